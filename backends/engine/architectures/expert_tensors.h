// The tensors of a mixture of experts, by name: files have one tensor for each expert, or all of them
// stacked.
#pragma once

#include <string>
#include <string_view>

#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup {

// After a layer's prefix. An empty name: the architecture has no such tensor.
struct ExpertNames {
  std::string_view router;
  std::string_view router_bias = {};
  std::string_view selection_bias = {};
  std::string_view gate = {}, up = {}, down = {};  // of one expert, whose number goes where {} is
  // {experts, rows, columns}; of gate_up the rows of the gate, then those of the up, or both in turn.
  std::string_view stacked_gate = {}, stacked_up = {}, stacked_gate_up = {}, stacked_down = {};
  bool in_turn = false;
  // {experts, columns, rows}, where the tensors above are not there. They and what is in turn must be of
  // plain types and not computed.
  std::string_view transposed_gate_up = {}, transposed_down = {};
  // {experts, rows}. If one is named, every part has one.
  std::string_view stacked_gate_bias = {}, stacked_up_bias = {}, stacked_gate_up_bias = {},
                   stacked_down_bias = {};
  std::string_view shared_gate = {}, shared_up = {}, shared_down = {};
  std::string_view shared_weight = {};  // a linear layer with one output
};

// Of every GGUF file.
inline constexpr ExpertNames kGgufExperts{.router = "ffn_gate_inp.weight",
                                          .selection_bias = "exp_probs_b.bias",
                                          .gate = "ffn_gate.{}.weight",  // until early 2024
                                          .up = "ffn_up.{}.weight",
                                          .down = "ffn_down.{}.weight",
                                          .stacked_gate = "ffn_gate_exps.weight",
                                          .stacked_up = "ffn_up_exps.weight",
                                          .stacked_down = "ffn_down_exps.weight",
                                          .shared_gate = "ffn_gate_shexp.weight",
                                          .shared_up = "ffn_up_shexp.weight",
                                          .shared_down = "ffn_down_shexp.weight",
                                          .shared_weight = "ffn_gate_inp_shexp.weight"};

// Problems are kept by `tensors`; after one the result may not be used. `layer`: "blk.3."
MixtureTensors find_mixture(TensorFinder& tensors, const DecoderSpec& spec, const ExpertNames& names,
                            const std::string& layer);

}  // namespace sizeup
