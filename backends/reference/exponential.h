// e^x in float32 by plain arithmetic, so that compilers vectorise loops over it and every machine gives the
// same bits; libm's expf does neither. Cephes' range reduction and polynomial; at most 2 units in the last
// place from the exact value (tests/operations checks it).
#pragma once

#include <bit>
#include <cstdint>

namespace sizeup {

// 0 below -87.33 (where e^x is subnormal); does not grow further above 88.37 (2.4e38); NaN gives NaN.
inline float exponential(float x) {
  constexpr float kLowest = -87.33F;
  constexpr float kHighest = 88.37F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  constexpr float kLog2High = 0.693359375F;  // ln 2 in two parts; products with the first are exact
  constexpr float kLog2Low = -2.12194440e-4F;
  float y = x < kLowest ? kLowest : x;
  y = y > kHighest ? kHighest : y;
  const float shifted = y * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = y - n * kLog2High - n * kLog2Low;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRound) + 127;
  const float result = p * std::bit_cast<float>(exponent << 23);
  return x < kLowest ? 0.0F : result;
}

}  // namespace sizeup
