#include "backends/engine/delta_rule.h"

#include <cmath>

namespace sizeup {

std::vector<float> read_taps(const Tensor& taps) {
  const auto channels = static_cast<size_t>(taps.rows());
  std::vector<float> of_channel(static_cast<size_t>(taps.columns()));
  std::vector<float> all(of_channel.size() * channels);
  for (size_t channel = 0; channel < channels; ++channel) {
    dequantise_row(taps, static_cast<int64_t>(channel), of_channel);
    for (size_t tap = 0; tap < of_channel.size(); ++tap) all[tap * channels + channel] = of_channel[tap];
  }
  return all;
}

DeltaWeights read_delta_weights(const DeltaSpec& spec, const DeltaTensors& tensors) {
  DeltaWeights weights;
  weights.taps = read_taps(*tensors.convolution);
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
