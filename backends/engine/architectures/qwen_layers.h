// What the generations of Qwen with gated delta rules have in common (Qwen3-Next, Qwen3.5, the experimental
// fourth): layers that read a text into a state, and every fourth or so that attends.
#pragma once

#include <string_view>
#include <vector>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/delta_tensors.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// Which layers attend, where no list says it: every fourth, or so.
inline constexpr int kAttentionInterval = 4;

// Of folders from Qwen3.5 on.
inline constexpr DeltaNames kQwenDelta{.query_key_value = "linear_attn.in_proj_qkv.weight",
                                       .gate = "linear_attn.in_proj_z.weight",
                                       .b = "linear_attn.in_proj_b.weight",
                                       .a = "linear_attn.in_proj_a.weight",
                                       .convolution = "linear_attn.conv1d.weight",
                                       .rates = "linear_attn.A_log",
                                       .biases = "linear_attn.dt_bias",
                                       .norm = "linear_attn.norm.weight",
                                       .output = "linear_attn.out_proj.weight"};

std::vector<bool> every(int interval, int layers);

// From config.json.
DeltaSpec read_delta(ConfigReader& config, float epsilon);
ExpertSpec read_qwen_experts(ConfigReader& config, int layers);

// Puts the delta rule into the layers that do not attend, and the gate into the others.
void mix_layers(ConfigReader& config, const std::vector<bool>& attending, const DeltaSpec& delta,
                DecoderSpec& spec);

// The configuration of a text model, which stands alone or inside one with images, and where its tensors are.
struct QwenText {
  const Json* config = nullptr;
  bool tied = false;
  std::string_view root;
};
Result<QwenText> find_qwen_text(const Checkpoint& checkpoint);

}  // namespace sizeup
