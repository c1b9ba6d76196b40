// Attention in bfloat16 tiles. The kernel is in tile_attention.inl, which tests include with emulated tiles.
#pragma once

#include "backends/cpu/attention.h"

namespace sizeup::cpu {

// Keys, values, queries and weights are bfloat16, rounded to nearest even; scores, sums and output float32.
// Head sizes are multiples of 32.
extern const AttentionFamily kTileAttentionAmx;

}  // namespace sizeup::cpu
