// Attention with emulated tiles: with the lanes of AVX2, and with those of the kernel that has instructions
// (AVX-512 with its bfloat16 conversions).
#pragma once

#include "backends/cpu/attention.h"

namespace sizeup::cpu {

extern const AttentionFamily kEmulatedTileAttentionAvx2;
extern const AttentionFamily kEmulatedTileAttentionAvx512;

}  // namespace sizeup::cpu
