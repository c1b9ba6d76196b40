#include "backends/reference/row_operations.h"

#include <array>
#include <cmath>

#include "backends/reference/exponential.h"

namespace sizeup {

void rms_norm(const float* in, std::span<const float> weight, float epsilon, float* out) {
  double sum = 0.0;
  for (size_t i = 0; i < weight.size(); ++i) sum += static_cast<double>(in[i]) * static_cast<double>(in[i]);
  const auto mean = static_cast<float>(sum / static_cast<double>(weight.size()));
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  for (size_t i = 0; i < weight.size(); ++i) out[i] = in[i] * scale * weight[i];
}

void add_in_place(float* to, const float* from, int count) {
  for (int i = 0; i < count; ++i) to[i] += from[i];
}

void silu_times(const float* gate, const float* up, int count, float* out) {
  for (int i = 0; i < count; ++i) out[i] = gate[i] / (1.0F + exponential(-gate[i])) * up[i];
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
