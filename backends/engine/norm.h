// What every device makes of the tensors of a norm.
#pragma once

#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// A norm as it is computed: its weights with what the spec adds to them.
struct Norm {
  NormKind kind = NormKind::none;
  float epsilon = 0.0F;
  std::vector<float> weight;  // [columns]
  std::vector<float> bias;    // [columns]; empty: none
};
Norm read_norm(const NormSpec& spec, const NormTensors& tensors, int columns);

}  // namespace sizeup
