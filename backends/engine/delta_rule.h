// What every device makes of the tensors of a gated delta rule (DeltaSpec), and of other convolutions over
// positions.
#pragma once

#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// Added to the square of a query's or key's length, as in the library for which the layer was written.
inline constexpr float kDeltaLengthEpsilon = 1e-6F;

// Positions that a convolution looks at; published models have 4.
inline constexpr int kMostDeltaTaps = 16;

// [tap][channel] of {channels, 1, taps} or {channels, taps}.
std::vector<float> read_taps(const Tensor& taps);

struct DeltaWeights {
  std::vector<float> taps;    // [tap][channel], the oldest position first
  std::vector<float> rates;   // of each value head, positive
  std::vector<float> biases;  // of each value head
  std::vector<float> norm;    // [value_size]
};
DeltaWeights read_delta_weights(const DeltaSpec& spec, const DeltaTensors& tensors);

// How much of the new value a head takes and of its state it keeps.
struct DeltaGates {
  float taken = 0.0F;
  float kept = 0.0F;
};
// From the outputs of the layer's projections for one value head.
DeltaGates delta_gates(const DeltaWeights& weights, int head, float taken, float step);

}  // namespace sizeup
