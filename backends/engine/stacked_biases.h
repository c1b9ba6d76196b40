// Biases of linear layers that a device computes as one.
#pragma once

#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// Side by side in this order, zeros for a layer that has none; empty where none of them has one.
std::vector<float> stacked_biases(std::span<const LinearTensors> stacked);

}  // namespace sizeup
