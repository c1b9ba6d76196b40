// A LoRA adapter in the layout that PEFT saves: adapter_config.json and adapter_model.safetensors.
// https://huggingface.co/docs/peft/developer_guides/checkpoint
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

// What one matrix of the base gets: W + scale * up * down.
struct LowRankDelta {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  int rank = 0;
  int64_t outputs = 0, inputs = 0;
  std::vector<float> up;    // {outputs, rank}: lora_B
  std::vector<float> down;  // {rank, inputs}: lora_A
  float scale = 0.0F;       // alpha / rank, or alpha / sqrt(rank) if the adapter is rank-stabilised
};

struct Adapter {
  std::filesystem::path folder;
  std::vector<LowRankDelta> deltas;
  std::vector<std::filesystem::path> files;  // that decide what it does
};

// Shapes, ranks and target modules are checked against each other. An adapter of another kind, and a tensor
// or a setting with which the adapter would mean something else, is an error that names it.
Result<Adapter> read_adapter(const std::filesystem::path& folder);

}  // namespace sizeup
