// The tensors of a gated delta rule, by name.
#pragma once

#include <string>
#include <string_view>

#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup {

// After a layer's prefix, whole names. Empty: the file has the rows elsewhere.
struct DeltaNames {
  // Of each key head its rows of query, of key, then of its value heads those of value, then of gate.
  std::string_view by_head = {};
  std::string_view query_key_value = {}, gate = {};  // else these two, by part
  // Of each key head the rows of b of its value heads, then those of a.
  std::string_view gates_by_head = {};
  std::string_view b = {}, a = {};  // else these two
  std::string_view convolution = {}, rates = {}, biases = {}, norm = {}, output = {};
};

// Finds `delta` and `output` of a layer. Problems are kept by `tensors`; after one the result may not be
// used.
void find_delta(TensorFinder& tensors, const DecoderSpec& spec, const DeltaSpec& delta,
                const DeltaNames& names, const std::string& layer, DecoderTensors& all, LayerTensors& found);

}  // namespace sizeup
