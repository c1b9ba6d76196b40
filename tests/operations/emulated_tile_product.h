// The tile product with emulated tiles: with the lanes of AVX2, and with those of the kernel that has
// instructions (AVX-512).
#pragma once

#include <cstddef>

#include "backends/cpu/tile_product.h"

namespace sizeup::cpu {

struct EmulatedTileProduct {
  // As ProductFamily::multiply of the family with these parts (1 or kSplitParts).
  void (*multiply)(int parts, const PackedLinear& weights, const Operand& in, const ProductResult& result,
                   int first_panel, int end_panel, const TileBlocking& blocking,
                   std::byte* scratch) = nullptr;
  size_t (*scratch_bytes)(const PackedLinear& weights, const TileBlocking& blocking) = nullptr;
  // Steps [first, end) of a panel of blocks as tiles: with AVX2 in plain loops, with AVX-512 the kernel.
  void (*unpack)(TensorType type, const std::byte* panel, int first, int end, std::byte* tiles) = nullptr;
};

extern const EmulatedTileProduct kEmulatedTileProductAvx2;
extern const EmulatedTileProduct kEmulatedTileProductAvx512;

}  // namespace sizeup::cpu
