#include "backends/engine/formats/quantise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "backends/engine/formats/bfloat16.h"
#include "backends/engine/formats/block_fits.h"
#include "backends/engine/formats/blocks.h"
#include "core/errors/result.h"

namespace sizeup {
namespace {

// More than the largest weight of any block format (65504 * 128 * 32, Q6_K's) and little enough for sums of
// products to stay finite.
constexpr float kTooLarge = 0x1p29f;

// False if a weight is NaN or infinite or beyond every format.
bool in_range(const float* x, int count) {
  bool good = true;
  for (int i = 0; i < count; ++i) good &= std::abs(x[i]) < kTooLarge;  // NaN compares false
  return good;
}

// Writes a scale where a format has it; gives back what the block's reader will see.
float store_half(float value, uint8_t* to) {
  const uint16_t half = half_from_float(value);
  to[0] = static_cast<uint8_t>(half & 0xFF);
  to[1] = static_cast<uint8_t>(half >> 8);
  return blocks::float_from_half(half);
}

// 32 levels as nibble_of_32 (blocks.h) reads them.
void store_nibbles_of_32(const uint8_t* levels, uint8_t* to) {
  for (int i = 0; i < 16; ++i) to[i] = static_cast<uint8_t>(levels[i] | levels[i + 16] << 4);
}

// The low 4 bits of 256 levels as nibble_of_256 reads them.
void store_nibbles_of_256(const uint8_t* levels, uint8_t* to) {
  for (int start = 0; start < 256; start += 64, to += 32) {
    for (int i = 0; i < 32; ++i) {
      const uint8_t* level = levels + start + i;
      to[i] = static_cast<uint8_t>((level[0] & 0xF) | (level[32] & 0xF) << 4);
    }
  }
}

bool quantise_q8_0(const float* x, uint8_t* block) {
  using Format = blocks::Q8_0;
  float peak = 0;
  for (int i = 0; i < Format::kElements; ++i) peak = std::max(peak, std::abs(x[i]));
  const float scale = store_half(peak / 127, block + Format::kScale);
  if (!std::isfinite(scale)) return false;
  // Levels against the scale as it was stored, so that each is the nearest.
  const float inverse = scale == 0 ? 0 : 1 / scale;
  for (int i = 0; i < Format::kElements; ++i) {
    const float level = fits::nearest(std::clamp(x[i] * inverse, -127.0F, 127.0F));
    block[Format::kLevels + i] = static_cast<uint8_t>(static_cast<int8_t>(level));
  }
  return true;
}

bool quantise_q4_0(const float* x, uint8_t* block) {
  using Format = blocks::Q4_0;
  using Fit = fits::SymmetricFit<Format::kGroup, -8>;
  const Fit fit(x);
  const float scale = store_half(fit.best_scale(), block + Format::kScale);
  if (!std::isfinite(scale)) return false;
  uint8_t levels[Format::kElements];
  fit.store_levels(scale, levels);
  store_nibbles_of_32(levels, block + Format::kLevels);
  return true;
}

// Scale and offset factors of 8 groups as scale_factor and offset_factor read them.
void store_factors(const std::array<int, 8>& scales, const std::array<int, 8>& offsets, uint8_t* to) {
  for (size_t i = 0; i < 4; ++i) {
    to[i] = static_cast<uint8_t>(scales[i] | scales[i + 4] >> 4 << 6);
    to[i + 4] = static_cast<uint8_t>(offsets[i] | offsets[i + 4] >> 4 << 6);
    to[i + 8] = static_cast<uint8_t>((scales[i + 4] & 0xF) | (offsets[i + 4] & 0xF) << 4);
  }
}

// Q4_K and Q5_K up to the levels' bits: those are in `levels`.
template <class Format, int kTop>
bool quantise_groups(const float* x, uint8_t* block, uint8_t* levels) {
  using Fit = fits::AffineFit<Format::kGroup, kTop>;
  constexpr int kGroups = Format::kElements / Format::kGroup;
  constexpr int kLargestFactor = 63;
  std::array<fits::Affine, kGroups> wanted;
  float largest_scale = 0;
  float largest_offset = 0;
  for (int group = 0; group < kGroups; ++group) {
    const fits::Affine fit = Fit(x + group * Format::kGroup).best();
    wanted[static_cast<size_t>(group)] = fit;
    largest_scale = std::max(largest_scale, fit.scale);
    largest_offset = std::max(largest_offset, -fit.offset);
  }
  const float scale = store_half(largest_scale / kLargestFactor, block + Format::kScale);
  const float offset = store_half(largest_offset / kLargestFactor, block + Format::kOffset);
  if (!std::isfinite(scale) || !std::isfinite(offset)) return false;

  std::array<int, kGroups> scales{};
  std::array<int, kGroups> offsets{};
  for (size_t group = 0; group < kGroups; ++group) {
    const Fit fit(x + group * Format::kGroup);
    const fits::FactorPair factors = fit.best_factors(wanted[group], scale, offset, kLargestFactor);
    scales[group] = factors.scale;
    offsets[group] = factors.offset;
    const fits::Affine stored{scale * static_cast<float>(factors.scale),
                              -(offset * static_cast<float>(factors.offset))};
    fit.store_levels(stored, levels + group * Format::kGroup);
  }
  store_factors(scales, offsets, block + Format::kFactors);
  return true;
}

bool quantise_q4_k(const float* x, uint8_t* block) {
  using Format = blocks::Q4K;
  uint8_t levels[Format::kElements];
  if (!quantise_groups<Format, 15>(x, block, levels)) return false;
  store_nibbles_of_256(levels, block + Format::kLevels);
  return true;
}

bool quantise_q5_k(const float* x, uint8_t* block) {
  using Format = blocks::Q5K;
  uint8_t levels[Format::kElements];
  if (!quantise_groups<Format, 31>(x, block, levels)) return false;
  store_nibbles_of_256(levels, block + Format::kLevels);
  for (int i = 0; i < 32; ++i) {
    int fifths = 0;
    for (int group = 0; group < 8; ++group) fifths |= levels[32 * group + i] >> 4 << group;
    block[Format::kFifthBits + i] = static_cast<uint8_t>(fifths);
  }
  return true;
}

// Levels are 0 to 63, 32 standing for 0.
void store_six_bits(const uint8_t* levels, uint8_t* block) {
  using Format = blocks::Q6K;
  for (int half = 0; half < 2; ++half) {
    const uint8_t* from = levels + 128 * half;
    for (int i = 0; i < 64; ++i) {
      block[Format::kLevels + 64 * half + i] =
          static_cast<uint8_t>((from[i] & 0xF) | (from[i + 64] & 0xF) << 4);
    }
    for (int i = 0; i < 32; ++i) {
      int high = 0;
      for (int part = 0; part < 4; ++part) high |= from[32 * part + i] >> 4 << 2 * part;
      block[Format::kHighBits + 32 * half + i] = static_cast<uint8_t>(high);
    }
  }
}

bool quantise_q6_k(const float* x, uint8_t* block) {
  using Format = blocks::Q6K;
  using Fit = fits::SymmetricFit<Format::kGroup, -32>;
  constexpr int kGroups = Format::kElements / Format::kGroup;
  std::array<float, kGroups> wanted;
  float largest = 0;  // in magnitude
  for (int group = 0; group < kGroups; ++group) {
    const float fit = Fit(x + group * Format::kGroup).best_scale();
    wanted[static_cast<size_t>(group)] = fit;
    if (std::abs(fit) > std::abs(largest)) largest = fit;
  }
  // The largest factor is the one of -128 to 127 that has no opposite.
  const float scale = store_half(largest / -128, block + Format::kScale);
  if (!std::isfinite(scale)) return false;
  uint8_t levels[Format::kElements];
  for (int group = 0; group < kGroups; ++group) {
    const Fit fit(x + group * Format::kGroup);
    const int factor = fit.best_factor(wanted[static_cast<size_t>(group)], scale, -128, 127);
    block[Format::kFactors + group] = static_cast<uint8_t>(factor);
    fit.store_levels(scale * static_cast<float>(factor), levels + group * Format::kGroup);
  }
  store_six_bits(levels, block);
  return true;
}

bool quantise_bf16(const float* x, uint8_t* out) {
  const uint32_t bits = to_bfloat16(*x);
  out[0] = static_cast<uint8_t>(bits & 0xFF);
  out[1] = static_cast<uint8_t>(bits >> 8);
  return (bits & 0x7F80U) != 0x7F80U;  // infinite or NaN, as it was or by rounding
}

struct Quantiser {
  TensorType type;
  bool (*block)(const float* x, uint8_t* out);
};

constexpr std::array kQuantisers = {
    Quantiser{TensorType::bf16, quantise_bf16}, Quantiser{TensorType::q8_0, quantise_q8_0},
    Quantiser{TensorType::q6_k, quantise_q6_k}, Quantiser{TensorType::q5_k, quantise_q5_k},
    Quantiser{TensorType::q4_k, quantise_q4_k}, Quantiser{TensorType::q4_0, quantise_q4_0},
};

constexpr auto kTypes = [] {
  std::array<TensorType, kQuantisers.size()> types{};
  for (size_t i = 0; i < types.size(); ++i) types[i] = kQuantisers[i].type;
  return types;
}();

}  // namespace

std::span<const TensorType> quantised_types() {
  return kTypes;
}

bool quantise_row(TensorType type, std::span<const float> row, std::span<std::byte> out) {
  const auto quantiser = std::find_if(kQuantisers.begin(), kQuantisers.end(),
                                      [&](const Quantiser& candidate) { return candidate.type == type; });
  require(quantiser != kQuantisers.end(), "the format has a quantiser");
  require(std::ssize(out) == row_bytes(type, std::ssize(row)), "the row's bytes have room");
  const BlockFormat& format = block_format(type);
  auto* to = reinterpret_cast<uint8_t*>(out.data());
  const auto elements = static_cast<size_t>(format.block_elements);
  for (size_t start = 0; start < row.size(); start += elements, to += format.block_bytes) {
    const float* x = row.data() + start;
    if (type != TensorType::bf16 && !in_range(x, format.block_elements)) return false;
    if (!quantiser->block(x, to)) return false;
  }
  return true;
}

uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  uint32_t magnitude = bits & 0x7FFFFFFFU;
  constexpr uint32_t kInfinityFrom = 0x477FF000;  // 65520, half-way to the number that binary16 lacks
  constexpr uint32_t kNormalFrom = 0x38800000;    // 2^-14
  if (magnitude >= kInfinityFrom) return static_cast<uint16_t>(sign | 0x7C00U);
  if (magnitude < kNormalFrom) {
    // Numbers from 0.5 to 1 are multiples of 2^-24, as subnormal halves are: the addition rounds.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(aligned) - std::bit_cast<uint32_t>(0.5F)));
  }
  magnitude += 0xFFFU + ((magnitude >> 13) & 1U);
  return static_cast<uint16_t>(sign | ((magnitude - ((127U - 15U) << 23)) >> 13));
}

}  // namespace sizeup
