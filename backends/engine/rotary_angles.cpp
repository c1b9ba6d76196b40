#include "backends/engine/rotary_angles.h"

#include <cmath>

namespace sizeup {

RotaryAngles::RotaryAngles(const RotarySpec& spec) {
  // Rounded to float32 at the places where transformers rounds: at long contexts the angle of a fast pair is
  // a large number, and agreement needs the same error in it.
  for (int i = 0; i < spec.dimensions; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(spec.dimensions);
    const auto power =
        static_cast<float>(std::pow(static_cast<double>(spec.base), static_cast<double>(exponent)));
    frequencies_.push_back(1.0F / power);
  }
}

void RotaryAngles::prepare(int last) {
  for (; positions_ <= last; ++positions_) {
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(positions_) * frequency;
      cosines_.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      sines_.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
}

}  // namespace sizeup
