// Operations on one row at a time, in a fixed order of elements.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/norm.h"

namespace sizeup {

// in and out have as many values as the norm has weights, and may be the same.
void apply_norm(const Norm& norm, const float* in, float* out);

// to[i] += from[i]
void add_in_place(float* to, const float* from, int count);
// to[i] += factor * from[i]
void add_in_place(float* to, float factor, const float* from, int count);

// As the operations of Device of these names.
void match_magnitude(float* values, const float* like, int count);
void keep_above(float deviations, float* values, int count);
void mix_parts(const float* in, const float* gates, int parts, int size, float* out);
void add_to_parts(const float* in, const float* gates, float factor, int parts, int size, float* rows);
// Of one part.
float part_score(const float* a, const float* b, int size);

// out[i] = activation(gate[i]) * up[i]; out may be gate or up.
void activate_gated(Activation activation, const float* gate, const float* up, int count, float* out);
// values[i] = activation(values[i])
void activate(Activation activation, float* values, int count);

// out[i] = in[i] * sigmoid(gate[i])
void apply_sigmoid(const float* in, const float* gate, int count, float* out);

// cap * tanh(value / cap)
float capped(float value, float cap);

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
