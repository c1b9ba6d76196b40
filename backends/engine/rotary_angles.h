// Sines and cosines of rotary positions (Su et al. 2021), with the float32 angles that transformers uses.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"

namespace sizeup {

class RotaryAngles {
 public:
  explicit RotaryAngles(const RotarySpec& spec);

  int pairs() const { return static_cast<int>(frequencies_.size()); }  // of a head
  // Makes the angles of positions 0 to `last` ready.
  void prepare(int last);
  // One for each pair; valid until the next prepare().
  std::span<const float> cosines(int position) const { return row(cosines_, position); }
  std::span<const float> sines(int position) const { return row(sines_, position); }

 private:
  std::span<const float> row(const std::vector<float>& values, int position) const {
    return std::span(values).subspan(static_cast<size_t>(position) * frequencies_.size(),
                                     frequencies_.size());
  }

  std::vector<float> frequencies_;  // one for each pair
  float scale_;
  std::vector<float> cosines_;  // [position][pair]
  std::vector<float> sines_;
  int positions_ = 0;
};

// Turns the rotated pairs of every head of one row in place by the angles of its position.
void rotate(const RotarySpec& spec, std::span<const float> cosines, std::span<const float> sines,
            float* heads, int count, int head_size);

}  // namespace sizeup
