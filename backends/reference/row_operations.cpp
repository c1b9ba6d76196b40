#include "backends/reference/row_operations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "backends/engine/device.h"
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
    case Activation::tanh:
      return std::tanh(x);
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

void add_in_place(float* to, float factor, const float* from, int count) {
  for (int i = 0; i < count; ++i) to[i] += factor * from[i];
}

void match_magnitude(float* values, const float* like, int count) {
  const auto mean_square = [count](const float* x) {
    double sum = 0.0;
    for (int i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return static_cast<float>(sum / count);
  };
  const float factor =
      std::sqrt(mean_square(like)) / std::sqrt(std::max(mean_square(values), kLeastMeanSquare));
  for (int i = 0; i < count; ++i) values[i] *= factor;
}

void mix_parts(const float* in, const float* gates, int parts, int size, float* out) {
  std::fill_n(out, size, 0.0F);
  for (int p = 0; p < parts; ++p) {
    for (int i = 0; i < size; ++i) out[i] += in[p * size + i] * logistic(gates[p * size + i]);
  }
  for (int i = 0; i < size; ++i) out[i] /= static_cast<float>(parts);
}

void add_to_parts(const float* in, const float* gates, float factor, int parts, int size, float* rows) {
  for (int p = 0; p < parts; ++p) add_in_place(rows + p * size, factor * logistic(gates[p]), in, size);
}

float part_score(const float* a, const float* b, int size) {
  double sum = 0.0;
  for (int i = 0; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  const float score = static_cast<float>(sum / std::sqrt(static_cast<double>(size)));
  if (score == 0.0F) return 0.0F;
  return std::copysign(std::sqrt(std::max(std::abs(score), kLeastScore)), score);
}

void keep_above(float deviations, float* values, int count) {
  double mean = 0.0;
  for (int i = 0; i < count; ++i) mean += static_cast<double>(values[i]);
  mean /= count;
  double variance = 0.0;
  for (int i = 0; i < count; ++i) {
    const double x = static_cast<double>(values[i]) - mean;
    variance += x * x;
  }
  variance /= count;
  const float cutoff = static_cast<float>(mean) + deviations * std::sqrt(static_cast<float>(variance));
  for (int i = 0; i < count; ++i) values[i] = std::max(values[i] - cutoff, 0.0F);
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
