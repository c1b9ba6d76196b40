// Checkpoints whose weights lie in safetensors files as codes with scales beside them: the methods that
// config.json's "quantization_config" names. Their weights become tensors whose rows are computed on demand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/engine/formats/safetensors.h"
#include "backends/engine/formats/tensor.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

struct ComputedTensors {
  std::vector<Tensor> tensors;
  std::vector<std::unique_ptr<RowSource>> sources;  // what those of them that are computed point at
};

// The weights of a checkpoint with this "quantization_config"; its tensors' data must outlive the result. An
// unknown method or variant is an error that names it. A weight is what the method's own dequantisation gives
// in float32; what a method does to activations is not done.
Result<ComputedTensors> read_quantised(const Json& quantisation, std::vector<StoredTensor> stored,
                                       const std::string& place);

}  // namespace sizeup
