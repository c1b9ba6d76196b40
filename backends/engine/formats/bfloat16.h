// bfloat16: the upper half of a float32. Kernels convert many at once.
#pragma once

#include <bit>
#include <cstdint>

namespace sizeup {

// To the nearest, ties to even; NaN stays NaN.
inline uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  constexpr uint32_t kInfinity = 0x7F800000;
  const uint32_t nan = (bits >> 16) | 0x40;  // quiet, even if only bits that are cut off made it one
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7FFFFFFF) > kInfinity ? nan : rounded);
}

inline float from_bfloat16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

}  // namespace sizeup
