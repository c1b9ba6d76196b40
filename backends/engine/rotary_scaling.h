// How the frequencies of rotary positions are stretched for longer contexts, rounded to float32 where
// transformers rounds (its modeling_rope_utils.py).
#pragma once

#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

// 1 / (divisor * base^(2i / dimensions)) for each pair i; no divisors: all are 1.
std::vector<float> rotary_frequencies(const RotarySpec& spec, std::span<const float> divisors = {});

// All positions are divided by `factor`.
std::vector<float> linear_frequencies(const RotarySpec& spec, float factor);

// Peng et al. 2023: pairs that turn more than beta_fast times in the original length stay, those that turn
// less than beta_slow times are divided by `factor`, and there is a ramp between them.
struct YarnScaling {
  float factor = 1.0F;
  int original_length = 0;  // positions
  float beta_fast = 32.0F;
  float beta_slow = 1.0F;
  bool whole_pairs = true;  // the ramp begins and ends at whole pairs
};
std::vector<float> yarn_frequencies(const RotarySpec& spec, const YarnScaling& scaling);
// Of sines and cosines, unless a file says another: 1 + 0.1 multiplier log(factor).
float yarn_scale(float factor, float multiplier = 1.0F);

// Llama 3.1: pairs with more than high_factor turns in the original length stay, those with less than
// low_factor are divided by `factor`, and the rest lie between.
struct Llama3Scaling {
  float factor = 1.0F;
  float low_factor = 1.0F;
  float high_factor = 4.0F;
  int original_length = 0;  // positions
};
std::vector<float> llama3_frequencies(const RotarySpec& spec, const Llama3Scaling& scaling);

// Ding et al. 2024, of sines and cosines, unless a file says another.
float longrope_scale(float factor, int original_length);

}  // namespace sizeup
