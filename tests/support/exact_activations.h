// Activations in float64, and how far float32 may be from them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

inline constexpr std::array kAllActivations{Activation::silu, Activation::gelu, Activation::gelu_tanh,
                                            Activation::tanh, Activation::clamped_swish};

struct ExactActivation {
  double value = 0.0;
  double bound = 0.0;
};

// Without a gate `up` is 1.
inline ExactActivation exact_activation(Activation activation, double gate, double up) {
  const auto logistic = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  double value = 0.0;
  double factor = up;
  double exponent = gate;  // of e
  switch (activation) {
    case Activation::silu:
      value = gate * logistic(gate);
      break;
    case Activation::gelu:
      value = 0.5 * gate * std::erfc(-gate / std::sqrt(2.0));
      break;
    case Activation::gelu_tanh:
      exponent = std::sqrt(8.0 / std::numbers::pi) * (gate + 0.044715 * gate * gate * gate);
      value = gate * logistic(exponent);
      break;
    case Activation::tanh:
      value = std::tanh(gate);
      break;
    case Activation::clamped_swish:
      exponent = 1.702 * std::min(gate, 7.0);
      value = std::min(gate, 7.0) * logistic(exponent);
      factor = std::clamp(up, -7.0, 7.0) + 1.0;
      break;
  }
  // A few roundings; of e^x its argument's roundings, too. The normal distribution is approximated, and 1 +
  // erf(x) rounds at 1 however small it is: four units of the input. So does tanh, as 1 less another number.
  const double relative = (8.0 + 4.0 * std::min(std::abs(exponent), 90.0)) * std::abs(value);
  const double absolute = activation == Activation::gelu   ? 4.0 * std::abs(gate)
                          : activation == Activation::tanh ? 8.0
                                                           : 0.0;
  return {value * factor, 0x1p-24 * (relative + absolute) * std::abs(factor) + 1e-30};
}

}  // namespace sizeup
