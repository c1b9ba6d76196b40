#include "backends/engine/stacked_biases.h"

#include <algorithm>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

std::vector<float> stacked_biases(std::span<const LinearTensors> stacked) {
  std::vector<float> all;
  if (std::ranges::none_of(stacked, [](const LinearTensors& one) { return one.bias != nullptr; })) return all;
  for (const LinearTensors& one : stacked) {
    std::vector<float> bias(static_cast<size_t>(one.weight->rows()), 0.0F);
    if (one.bias != nullptr) bias = values_of(one.bias);
    all.insert(all.end(), bias.begin(), bias.end());
  }
  return all;
}

}  // namespace sizeup
