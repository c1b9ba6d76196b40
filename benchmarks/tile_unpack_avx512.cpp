// Each include builds on the ones before.
// clang-format off
#include "benchmarks/tile_unpack.h"
#include "backends/cpu/packed_fields.h"
#include "backends/cpu/tile_product.h"
#include "backends/cpu/vector_avx512.h"
#include "backends/cpu/block_levels.inl"
#include "backends/cpu/tile_unpack_avx512.inl"
// clang-format on

namespace sizeup::cpu {

void unpack_tiles_avx512(const PackedLinear& linear, int panel, int first, int end, std::byte* tiles) {
  unpack_tiles(linear.type, linear.panel(panel), first, end, tiles);
}

}  // namespace sizeup::cpu
