#include "backends/engine/norm.h"

namespace sizeup {

Norm read_norm(const NormSpec& spec, const NormTensors& tensors, int columns) {
  Norm norm{.kind = spec.kind,
            .epsilon = spec.epsilon,
            .weight = values_of(tensors.weight),
            .bias = values_of(tensors.bias)};
  for (float& weight : norm.weight) weight += spec.added;
  if (tensors.weight == nullptr) norm.weight.assign(static_cast<size_t>(columns), 1.0F);
  for (float& weight : norm.weight) weight *= spec.scale;
  return norm;
}

}  // namespace sizeup
