// What the configurations of Qwen's mixtures of experts have in common.
#pragma once

#include <vector>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/expert_tensors.h"

namespace sizeup {

inline constexpr ExpertNames kQwenExperts{.router = "mlp.gate.weight",
                                          .gate = "mlp.experts.{}.gate_proj.weight",
                                          .up = "mlp.experts.{}.up_proj.weight",
                                          .down = "mlp.experts.{}.down_proj.weight",
                                          .stacked_gate_up = "mlp.experts.gate_up_proj",
                                          .stacked_down = "mlp.experts.down_proj",
                                          .shared_gate = "mlp.shared_expert.gate_proj.weight",
                                          .shared_up = "mlp.shared_expert.up_proj.weight",
                                          .shared_down = "mlp.shared_expert.down_proj.weight",
                                          .shared_weight = "mlp.shared_expert_gate.weight"};

// ExpertSpec::layers from config.json: every `decoder_sparse_step`-th layer has experts, unless
// `mlp_only_layers` lists it.
std::vector<bool> read_expert_layers(ConfigReader& config, int layers);

}  // namespace sizeup
