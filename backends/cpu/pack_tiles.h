// Weights for the tile kernels: bfloat16 in the tile layout of product.h. Rows may be packed on any threads,
// since no two of them share a cache line.
#pragma once

#include <span>

#include "backends/cpu/product.h"

namespace sizeup::cpu {

// `to` has its sizes and zeroed weights of its panels. `output` counts in the order of the panels (of a gated
// layer: as product.h interleaves gates and ups). The row has to.inputs elements.
void pack_tile_row(std::span<const float> row, int output, PackedLinear& to);

// The weights of one output, rounded as they were packed: what an embedding reads. The row has from.inputs
// elements.
void read_tile_row(const PackedLinear& from, int output, std::span<float> row);

}  // namespace sizeup::cpu
