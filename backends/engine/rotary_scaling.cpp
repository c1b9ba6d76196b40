#include "backends/engine/rotary_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sizeup {
namespace {

// base^(2i / dimensions). At long contexts the angle of a fast pair is a large number, and agreement needs
// the same rounding error in it.
float power(const RotarySpec& spec, size_t pair) {
  const float exponent = static_cast<float>(2 * pair) / static_cast<float>(spec.dimensions);
  return static_cast<float>(std::pow(static_cast<double>(spec.base), static_cast<double>(exponent)));
}

// The pair, as a fraction, that turns so often in a length.
double pair_with_turns(const RotarySpec& spec, double turns, int length) {
  return spec.dimensions * std::log(length / (turns * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(static_cast<double>(spec.base)));
}

}  // namespace

std::vector<float> rotary_frequencies(const RotarySpec& spec, std::span<const float> divisors) {
  std::vector<float> frequencies(static_cast<size_t>(spec.dimensions / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = 1.0F / (divisors.empty() ? power(spec, i) : divisors[i] * power(spec, i));
  }
  return frequencies;
}

std::vector<float> linear_frequencies(const RotarySpec& spec, float factor) {
  std::vector<float> frequencies = rotary_frequencies(spec);
  for (float& frequency : frequencies) frequency /= factor;
  return frequencies;
}

std::vector<float> yarn_frequencies(const RotarySpec& spec, const YarnScaling& scaling) {
  double low = pair_with_turns(spec, static_cast<double>(scaling.beta_fast), scaling.original_length);
  double high = pair_with_turns(spec, static_cast<double>(scaling.beta_slow), scaling.original_length);
  if (scaling.whole_pairs) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, spec.dimensions - 1.0);
  if (low == high) high += 0.001;  // as transformers does

  std::vector<float> frequencies = rotary_frequencies(spec);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0F - std::clamp(ramp, 0.0F, 1.0F);
    const float divided = 1.0F / (scaling.factor * power(spec, i));
    frequencies[i] = divided * (1.0F - kept) + frequencies[i] * kept;
  }
  return frequencies;
}

float yarn_scale(float factor, float multiplier) {
  return factor <= 1.0F ? 1.0F : 0.1F * multiplier * std::log(factor) + 1.0F;
}

std::vector<float> llama3_frequencies(const RotarySpec& spec, const Llama3Scaling& scaling) {
  const auto length = static_cast<float>(scaling.original_length);
  std::vector<float> frequencies = rotary_frequencies(spec);
  for (float& frequency : frequencies) {
    const float wave = 2.0F * std::numbers::pi_v<float> / frequency;
    if (wave < length / scaling.high_factor) continue;
    if (wave > length / scaling.low_factor) {
      frequency /= scaling.factor;
      continue;
    }
    const float kept = (length / wave - scaling.low_factor) / (scaling.high_factor - scaling.low_factor);
    frequency = (1.0F - kept) * frequency / scaling.factor + kept * frequency;
  }
  return frequencies;
}

float longrope_scale(float factor, int original_length) {
  if (factor <= 1.0F) return 1.0F;
  return std::sqrt(1.0F + std::log(factor) / std::log(static_cast<float>(original_length)));
}

}  // namespace sizeup
