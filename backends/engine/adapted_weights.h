// ?adapter=DIR: a model whose matrices are changed by LoRA adapters when it is loaded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

struct AdapterChoice {
  std::string folder;
  float weight = 1.0F;
};

// DIR, DIR*0.5 or several with commas. Usage error for an empty folder or a weight that is no finite number;
// `model` is for the message.
Result<std::vector<AdapterChoice>> parse_adapters(std::string_view text, std::string_view model);

struct AdaptedWeights {
  std::unique_ptr<Checkpoint> checkpoint;  // the source with computed tensors in the changed matrices' places
  std::string identity;            // hashes and weights: what the model's fingerprint must change with
  std::vector<std::string> notes;  // one for each adapter
};

// W + the sum of weight * scale * B A over the adapters, in float32, row by row when the weights are packed;
// the source, whose matrices may be of any form, is kept open. An adapter's modules are found in a GGUF file
// by the names and in the order of rows that llama.cpp's converter gives them. Without choices the source as
// it is. bad_input that lists what fits no matrix.
Result<AdaptedWeights> adapt_weights(std::unique_ptr<Checkpoint> source,
                                     const std::vector<AdapterChoice>& choices);

// The fingerprint of a model with this one whose matrices are changed.
std::string adapted_fingerprint(std::string_view fingerprint, std::string_view identity);

}  // namespace sizeup
