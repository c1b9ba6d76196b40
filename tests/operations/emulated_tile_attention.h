// Attention with emulated tiles, on any machine with AVX2.
#pragma once

#include "backends/cpu/attention.h"

namespace sizeup::cpu {

extern const AttentionFamily kTileAttentionEmulated;

}  // namespace sizeup::cpu
