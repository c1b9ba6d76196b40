// Activations of one value, with the limits of the reference device's.
#pragma once

#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"

// e^x does not grow beyond 88.37, as on the other devices: so no activation of a finite value divides by
// infinity. NaN stays NaN.
inline float bounded_exp(float x) {
  return metal::precise::exp(x > 88.37f ? 88.37f : x);
}

// 1 / (1 + e^-x)
inline float logistic(float x) {
  return 1.0f / (1.0f + bounded_exp(-x));
}

// Metal has none. Polynomials of about one unit in the last place, as in Apple's MLX
// (mlx/backend/metal/kernels/erf.h, by Norbert Juffa).
inline float error_function(float a) {
  const float t = metal::fabs(a);
  const float s = a * a;
  if (t > 0.927734375f) {
    float r = metal::fma(-1.72853470e-5f, t, 3.83197126e-4f);
    const float u = metal::fma(-3.88396438e-3f, t, 2.42546219e-2f);
    r = metal::fma(r, s, u);
    r = metal::fma(r, t, -1.06777877e-1f);
    r = metal::fma(r, t, -6.34846687e-1f);
    r = metal::fma(r, t, -1.28717512e-1f);
    r = metal::fma(r, t, -t);
    return metal::copysign(1.0f - metal::precise::exp(r), a);
  }
  float r = -5.96761703e-4f;
  r = metal::fma(r, s, 4.99119423e-3f);
  r = metal::fma(r, s, -2.67681349e-2f);
  r = metal::fma(r, s, 1.12819925e-1f);
  r = metal::fma(r, s, -3.76125336e-1f);
  r = metal::fma(r, s, 1.28379166e-1f);
  return metal::fma(r, a, a);
}

// Of an activation that needs no up.
inline float activated(int activation, float x) {
  using namespace sizeup::metal_kernels;
  switch (activation) {
    case kSilu:
      return x / (1.0f + bounded_exp(-x));
    case kGelu:
      return 0.5f * x * (1.0f + error_function(x * 0.70710678f));
    case kGeluTanh:
      // 2 sqrt(2 / pi), since 0.5 (1 + tanh(u)) is the logistic function of 2 u.
      return x * logistic(1.5957691216f * (x + 0.044715f * x * x * x));
    default:
      return metal::precise::tanh(x);
  }
}

inline float clamped_swish(float gate, float up) {
  const float g = gate > 7.0f ? 7.0f : gate;
  const float low = up < -7.0f ? -7.0f : up;
  return g * logistic(1.702f * g) * ((low > 7.0f ? 7.0f : low) + 1.0f);
}

inline float activated_gate(int activation, float gate, float up) {
  using namespace sizeup::metal_kernels;
  return activation == kClampedSwish ? clamped_swish(gate, up) : activated(activation, gate) * up;
}
