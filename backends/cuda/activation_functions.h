// Activations of one value, with the limits of the reference device's; kernels and host tests share them.
#pragma once

#include <cmath>

#include "backends/cuda/host_device.h"
#include "backends/engine/decoder_spec.h"

namespace sizeup::cuda {

// e^x does not grow beyond 88.37, as on the other devices: so no activation of a finite value divides by
// infinity. NaN stays NaN.
SIZEUP_HOST_DEVICE inline float bounded_exp(float x) {
  return expf(x > 88.37F ? 88.37F : x);
}

// 1 / (1 + e^-x)
SIZEUP_HOST_DEVICE inline float logistic(float x) {
  return 1.0F / (1.0F + bounded_exp(-x));
}

// Of an activation that needs no up.
SIZEUP_HOST_DEVICE inline float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::silu:
      return x / (1.0F + bounded_exp(-x));
    case Activation::gelu:
      return 0.5F * x * (1.0F + erff(x * 0.70710678F));
    case Activation::gelu_tanh: {
      // 2 sqrt(2 / pi), since 0.5 (1 + tanh(u)) is the logistic function of 2 u.
      constexpr float kSlope = 1.5957691216F;
      return x * logistic(kSlope * (x + 0.044715F * x * x * x));
    }
    default:
      return tanhf(x);
  }
}

SIZEUP_HOST_DEVICE inline float clamped_swish(float gate, float up) {
  constexpr float kLimit = 7.0F;
  constexpr float kSlope = 1.702F;
  const float g = gate > kLimit ? kLimit : gate;
  const float low = up < -kLimit ? -kLimit : up;
  return g * logistic(kSlope * g) * ((low > kLimit ? kLimit : low) + 1.0F);
}

SIZEUP_HOST_DEVICE inline float activated_gate(Activation activation, float gate, float up) {
  return activation == Activation::clamped_swish ? clamped_swish(gate, up) : activated(activation, gate) * up;
}

}  // namespace sizeup::cuda
