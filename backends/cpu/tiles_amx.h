// Tiles as AMX instructions: the vocabulary of the tile kernels (tile_*.inl). Included by the *_amx.cpp files
// alone, which are compiled for it; tests/support/tiles_emulated.h has the same names in portable C++.
//
// The eight tiles have fixed parts: 0-3 are results, 4-5 left operands of 16 rows x 32 bfloat16, 6-7 right
// operands of 16 pairs of rows x `width` columns.
//
// Written as assembly, because the intrinsics of gcc 12 have two traps: _tile_loadconfig reads 64 bytes and
// tells the optimiser of 8, so that the stores that fill the configuration are dropped; and tile loads and
// stores have no memory clobber, so that ordinary stores and loads move past them. Tile numbers are part of
// an instruction, hence template arguments.
#pragma once

#include <cstddef>
#include <cstdint>

namespace {

constexpr int kTileBytes = 1024;  // 16 rows of 64 bytes

#define SIZEUP_TILES static inline __attribute__((always_inline))
// Results and right operands get `width` columns, 1 to 16. All tiles become zero.
SIZEUP_TILES void configure_tiles(int width) {
  struct alignas(64) Configuration {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
  } configuration;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.rows[tile] = 16;
    configuration.row_bytes[tile] = static_cast<uint16_t>(tile == 4 || tile == 5 ? 64 : 4 * width);
  }
  asm volatile("ldtilecfg %0" ::"m"(configuration));
}
// Without tiles in use a switch of threads has 8 KiB less to save.
SIZEUP_TILES void release_tiles() {
  asm volatile("tilerelease");
}
template <int kTile>
SIZEUP_TILES void tile_zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
// Rows of the tile lie `stride` bytes apart.
template <int kTile>
SIZEUP_TILES void tile_load(const void* from, size_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}
// For data that is not read again soon: it evicts nothing from the first-level cache.
template <int kTile>
SIZEUP_TILES void tile_stream_load(const void* from, size_t stride) {
  asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
SIZEUP_TILES void tile_store(void* to, size_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
}
// result += left * right
template <int kResult, int kLeft, int kRight>
SIZEUP_TILES void tile_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kResult), "i"(kLeft), "i"(kRight));
}
#undef SIZEUP_TILES

}  // namespace
