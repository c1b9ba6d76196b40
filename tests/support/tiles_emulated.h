// Tiles in portable C++: the vocabulary of backends/cpu/tiles_amx.h with the same bits, for machines that
// have no AMX. A misuse that would fault there throws std::logic_error here.
//
// What is relied on, from the operation section of TDPBF16PS in Intel's Software Developer's Manual, volume
// 2: for each result two float32 sums begin at zero, one over the even elements of the pairs and one over the
// odd ones; both take the pairs in ascending order, each with a fused multiply-add; then result += even +
// odd, two additions. (A product of two bfloat16 is exact in float32, so that fusing changes nothing within
// its range.) Each of these operations rounds to nearest, ties to even, reads denormals as zero and gives
// zero for denormal results, whatever MXCSR says. (The intrinsics guide has a simpler pseudo-code that adds
// even and odd elements to the result in turn. The manual's is the one that says how it rounds.) Not
// modelled: a result that only rounding lifts to the least normal number, which hardware flushes as well.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace {

constexpr int kTileBytes = 1024;

struct EmulatedTiles {
  bool configured = false;
  int row_bytes[8] = {};
  unsigned char rows[8][16][64] = {};
};

inline EmulatedTiles& emulated_tiles() {
  thread_local EmulatedTiles tiles;
  return tiles;
}

inline void require_tiles(bool condition, const char* expected) {
  if (!condition) throw std::logic_error(expected);
}

inline void configure_tiles(int width) {
  require_tiles(width >= 1 && width <= 16, "tiles have 1 to 16 columns");
  emulated_tiles() = {};
  emulated_tiles().configured = true;
  for (int tile = 0; tile < 8; ++tile) {
    emulated_tiles().row_bytes[tile] = tile == 4 || tile == 5 ? 64 : 4 * width;
  }
}

inline void release_tiles() {
  emulated_tiles() = {};
}

template <int kTile>
inline void tile_zero() {
  static_assert(kTile >= 0 && kTile < 8);
  require_tiles(emulated_tiles().configured, "tiles are configured before they are used");
  std::memset(emulated_tiles().rows[kTile], 0, kTileBytes);
}

template <int kTile>
inline void tile_load(const void* from, size_t stride) {
  tile_zero<kTile>();
  for (size_t row = 0; row < 16; ++row) {
    std::memcpy(emulated_tiles().rows[kTile][row], static_cast<const unsigned char*>(from) + row * stride,
                static_cast<size_t>(emulated_tiles().row_bytes[kTile]));
  }
}

template <int kTile>
inline void tile_stream_load(const void* from, size_t stride) {
  tile_load<kTile>(from, stride);
}

template <int kTile>
inline void tile_store(void* to, size_t stride) {
  static_assert(kTile >= 0 && kTile < 8);
  require_tiles(emulated_tiles().configured, "tiles are configured before they are used");
  for (size_t row = 0; row < 16; ++row) {
    std::memcpy(static_cast<unsigned char*>(to) + row * stride, emulated_tiles().rows[kTile][row],
                static_cast<size_t>(emulated_tiles().row_bytes[kTile]));
  }
}

// Denormals as zero of the same sign.
inline float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

inline float tile_element(uint16_t bfloat) {
  const uint32_t bits = static_cast<uint32_t>(bfloat) << 16;
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof value);
  return flushed(value);
}

template <int kResult, int kLeft, int kRight>
inline void tile_product() {
  static_assert(kResult >= 0 && kResult < 8 && kLeft >= 0 && kLeft < 8 && kRight >= 0 && kRight < 8);
  static_assert(kResult != kLeft && kResult != kRight && kLeft != kRight, "the instruction faults");
  EmulatedTiles& tiles = emulated_tiles();
  require_tiles(tiles.configured, "tiles are configured before they are used");
  require_tiles(tiles.row_bytes[kLeft] == 64, "a left operand has 16 pairs in a row");
  require_tiles(tiles.row_bytes[kResult] == tiles.row_bytes[kRight], "result and right operand are as wide");
  const int width = tiles.row_bytes[kResult] / 4;
  float right[2][16][16];  // [even or odd][pair][column]
  for (int pair = 0; pair < 16; ++pair) {
    uint16_t elements[32];
    std::memcpy(elements, tiles.rows[kRight][pair], sizeof elements);
    for (int column = 0; column < width; ++column) {
      right[0][pair][column] = tile_element(elements[2 * column]);
      right[1][pair][column] = tile_element(elements[2 * column + 1]);
    }
  }
  for (int row = 0; row < 16; ++row) {
    uint16_t left[32];
    std::memcpy(left, tiles.rows[kLeft][row], sizeof left);
    float sums[2][16] = {};
    for (int pair = 0; pair < 16; ++pair) {
      for (int odd = 0; odd < 2; ++odd) {
        const float factor = tile_element(left[2 * pair + odd]);
        for (int column = 0; column < width; ++column) {
          sums[odd][column] = flushed(std::fma(factor, right[odd][pair][column], sums[odd][column]));
        }
      }
    }
    float result[16];
    std::memcpy(result, tiles.rows[kResult][row], sizeof result);
    for (int column = 0; column < width; ++column) {
      result[column] = flushed(flushed(result[column]) + flushed(sums[0][column] + sums[1][column]));
    }
    std::memcpy(tiles.rows[kResult][row], result, static_cast<size_t>(4 * width));
  }
}

}  // namespace
