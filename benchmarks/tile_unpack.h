// Unpacking as the tile product does it, which needs AVX-512 but no tiles.
#pragma once

#include "backends/cpu/product.h"

namespace sizeup::cpu {

// Steps [first, end) of a panel as bfloat16 tiles; only for machines with AVX512-BF16.
void unpack_tiles_avx512(const PackedLinear& linear, int panel, int first, int end, std::byte* tiles);

}  // namespace sizeup::cpu
