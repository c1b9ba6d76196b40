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

}  // namespace sizeup
