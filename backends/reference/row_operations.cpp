#include "backends/reference/row_operations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "backends/reference/exponential.h"
#include "core/errors/result.h"

namespace sizeup {

namespace {

// 1 / (1 + e^-x)
float logistic(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::silu:
      return x / (1.0F + exponential(-x));
    case Activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x * std::numbers::sqrt2_v<float> / 2.0F));
    case Activation::gelu_tanh: {
      // 2 sqrt(2 / pi), since 0.5 (1 + tanh(u)) is the logistic function of 2 u.
      constexpr float kSlope = 1.5957691216F;
      return x * logistic(kSlope * (x + 0.044715F * x * x * x));
    }
    case Activation::clamped_swish:
      break;
  }
  throw InternalError("this activation is of a gate and an up");
}

float clamped_swish(float gate, float up) {
  constexpr float kLimit = 7.0F;
  constexpr float kSlope = 1.702F;
  const float g = std::min(gate, kLimit);
  return g * logistic(kSlope * g) * (std::clamp(up, -kLimit, kLimit) + 1.0F);
}

}  // namespace

void apply_norm(const Norm& norm, const float* in, float* out) {
  const size_t size = norm.weight.size();
  const auto count = static_cast<double>(size);
  double mean = 0.0;
  if (norm.kind == NormKind::layer) {
    for (size_t i = 0; i < size; ++i) mean += static_cast<double>(in[i]);
    mean /= count;
  }
  float scale = 1.0F;
  if (norm.kind != NormKind::none) {
    double sum = 0.0;
    for (size_t i = 0; i < size; ++i) {
      const double x = static_cast<double>(in[i]) - mean;
      sum += x * x;
    }
    scale = 1.0F / std::sqrt(static_cast<float>(sum / count) + norm.epsilon);
  }
  for (size_t i = 0; i < size; ++i) {
    const float value = (in[i] - static_cast<float>(mean)) * scale * norm.weight[i];
    out[i] = norm.bias.empty() ? value : value + norm.bias[i];
  }
}

void add_in_place(float* to, const float* from, int count) {
  for (int i = 0; i < count; ++i) to[i] += from[i];
}

void activate_gated(Activation activation, const float* gate, const float* up, int count, float* out) {
  for (int i = 0; i < count; ++i) {
    out[i] = activation == Activation::clamped_swish ? clamped_swish(gate[i], up[i])
                                                     : activated(activation, gate[i]) * up[i];
  }
}

void activate(Activation activation, float* values, int count) {
  for (int i = 0; i < count; ++i) values[i] = activated(activation, values[i]);
}

void apply_sigmoid(const float* in, const float* gate, int count, float* out) {
  for (int i = 0; i < count; ++i) out[i] = in[i] * logistic(gate[i]);
}

float capped(float value, float cap) {
  return cap * std::tanh(value / cap);
}

void rotate(const RotarySpec& spec, std::span<const float> cosines, std::span<const float> sines,
            float* heads, int count, int head_size) {
  const size_t pairs = cosines.size();
  const bool interleaved = spec.layout == RotaryLayout::interleaved;
  const size_t step = interleaved ? 2 : 1;         // from one pair's first element to the next pair's
  const size_t partner = interleaved ? 1 : pairs;  // from a pair's first element to its second
  for (int h = 0; h < count; ++h) {
    float* head = heads + static_cast<size_t>(h) * static_cast<size_t>(head_size);
    for (size_t i = 0; i < pairs; ++i) {
      float& a = head[i * step];
      float& b = head[i * step + partner];
      const float first = a;
      const float second = b;
      a = first * cosines[i] - second * sines[i];
      b = second * cosines[i] + first * sines[i];
    }
  }
}

LogSoftmax::LogSoftmax(std::span<const float> logits) {
  maximum_ = logits[0];
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > maximum_) {
      maximum_ = logits[i];
      best_ = static_cast<int32_t>(i);
    }
  }
  // A fixed number of partial sums: short enough chains for vectors, and one order for every vocabulary.
  std::array<float, 16> sums{};
  const size_t whole = logits.size() / sums.size() * sums.size();
  for (size_t i = 0; i < whole; i += sums.size()) {
    for (size_t l = 0; l < sums.size(); ++l) sums[l] += exponential(logits[i + l] - maximum_);
  }
  for (size_t i = whole; i < logits.size(); ++i) sums[i - whole] += exponential(logits[i] - maximum_);
  double sum = 0.0;
  for (const float part : sums) sum += static_cast<double>(part);
  log_sum_ = static_cast<float>(std::log(sum));
}

}  // namespace sizeup
