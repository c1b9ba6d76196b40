// The tile product with emulated tiles, on any machine with AVX2.
#pragma once

#include <cstddef>

#include "backends/cpu/tile_product.h"

namespace sizeup::cpu {

// As ProductFamily::multiply of the family with these parts (1 or kSplitParts).
void multiply_emulated_tiles(int parts, const PackedLinear& weights, const Operand& in,
                             const ProductResult& result, int first_panel, int end_panel,
                             const TileBlocking& blocking, std::byte* scratch);
size_t emulated_tiles_scratch_bytes(const PackedLinear& weights, const TileBlocking& blocking);

}  // namespace sizeup::cpu
