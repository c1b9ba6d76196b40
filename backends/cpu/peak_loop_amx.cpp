#include <immintrin.h>

#include "backends/cpu/peak_loops.h"

namespace sizeup {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileBytes = 64;  // of a row: 32 bfloat16 values

struct TileConfiguration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfiguration) == 64);

void configure_tiles() {
  alignas(64) TileConfiguration configuration = {};
  configuration.palette = 1;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.row_bytes[tile] = kTileBytes;
    configuration.rows[tile] = kTileRows;
  }
  // GCC 12 believes that _tile_loadconfig reads 8 bytes and drops the stores before it.
  asm volatile("" : : "r"(&configuration) : "memory");
  _tile_loadconfig(&configuration);
}

}  // namespace

int64_t peak_loop_amx(int64_t iterations) {
  constexpr int kProducts = 4;        // of two times two tiles, as a product's inner loop has them
  constexpr uint16_t kHalf = 0x3F00;  // 0.5 in bfloat16
  alignas(64) uint16_t values[kTileRows * kTileBytes / sizeof(uint16_t)];
  for (uint16_t& value : values) value = kHalf;
  asm volatile("" : : "r"(&values) : "memory");  // GCC's tile loads do not say that they read memory
  configure_tiles();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, values, kTileBytes);
  _tile_loadd(5, values, kTileBytes);
  _tile_loadd(6, values, kTileBytes);
  _tile_loadd(7, values, kTileBytes);
  for (int64_t i = 0; i < iterations; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  constexpr int64_t kMultiplications = int64_t{kTileRows} * kTileRows * (kTileBytes / 2);
  return iterations * kProducts * kMultiplications * 2;
}

}  // namespace sizeup
