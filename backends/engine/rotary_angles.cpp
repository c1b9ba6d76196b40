#include "backends/engine/rotary_angles.h"

#include <cmath>

#include "backends/engine/rotary_scaling.h"

namespace sizeup {

RotaryAngles::RotaryAngles(const RotarySpec& spec)
    : frequencies_(spec.frequencies.empty() ? rotary_frequencies(spec) : spec.frequencies),
      scale_(spec.scale) {}

void RotaryAngles::prepare(int last) {
  for (; positions_ <= last; ++positions_) {
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(positions_) * frequency;
      cosines_.push_back(static_cast<float>(std::cos(static_cast<double>(angle))) * scale_);
      sines_.push_back(static_cast<float>(std::sin(static_cast<double>(angle))) * scale_);
    }
  }
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

}  // namespace sizeup
