#include "backends/engine/delta_rule.h"

#include <cmath>

namespace sizeup {

DeltaWeights read_delta_weights(const DeltaSpec& spec, const DeltaTensors& tensors) {
  const auto channels = static_cast<size_t>(spec.channels());
  const auto count = static_cast<size_t>(spec.taps);
  DeltaWeights weights;
  weights.taps.resize(count * channels);
  std::vector<float> taps(count);
  for (size_t channel = 0; channel < channels; ++channel) {
    dequantise_row(*tensors.convolution, static_cast<int64_t>(channel), taps);
    for (size_t tap = 0; tap < count; ++tap) weights.taps[tap * channels + channel] = taps[tap];
  }
  weights.rates = values_of(tensors.rates);
  for (float& rate : weights.rates) rate = spec.log_rates ? std::exp(rate) : -rate;
  weights.biases = values_of(tensors.biases);
  weights.norm = values_of(tensors.norm);
  return weights;
}

DeltaGates delta_gates(const DeltaWeights& weights, int head, float taken, float step) {
  const auto index = static_cast<size_t>(head);
  const float x = step + weights.biases[index];
  constexpr float kLinear = 20.0F;  // log(1 + e^x) is x in float32 from 17 on
  const float length = x > kLinear ? x : std::log1p(std::exp(x));
  return {.taken = 1.0F / (1.0F + std::exp(-taken)), .kept = std::exp(-weights.rates[index] * length)};
}

}  // namespace sizeup
