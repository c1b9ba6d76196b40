// Operations on one row at a time, in a fixed order of elements.
#pragma once

#include <cstdint>
#include <span>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// out[i] = in[i] / sqrt(mean(in^2) + epsilon) * weight[i]; in and out may be the same.
void rms_norm(const float* in, std::span<const float> weight, float epsilon, float* out);

// to[i] += from[i]
void add_in_place(float* to, const float* from, int count);

// out[i] = gate[i] * sigmoid(gate[i]) * up[i]; out may be gate.
void silu_times(const float* gate, const float* up, int count, float* out);

// Turns the rotated pairs of every head of one row in place by the angles of its position.
void rotate(const RotarySpec& spec, std::span<const float> cosines, std::span<const float> sines,
            float* heads, int count, int head_size);

// log_softmax over a row of logits: (logit - max) - log(sum(exp(logit - max))).
class LogSoftmax {
 public:
  explicit LogSoftmax(std::span<const float> logits);
  int32_t best() const { return best_; }  // index of the maximum, ties to the lowest
  float operator()(float logit) const { return (logit - maximum_) - log_sum_; }

 private:
  int32_t best_ = 0;
  float maximum_ = 0.0F;
  float log_sum_ = 0.0F;
};

}  // namespace sizeup
