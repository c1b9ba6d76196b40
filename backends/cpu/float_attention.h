// Attention in float32 over pages of float32 or bfloat16 (rounded to nearest even when written), by tier;
// each is defined in the source file of its name. Only those whose tier the machine has may be called.
#pragma once

#include "backends/cpu/attention.h"

namespace sizeup::cpu {

extern const AttentionFamily kFloatPagesAvx2, kFloatPagesAvx512, kFloatPagesNeon;
extern const AttentionFamily kBfloatPagesAvx2, kBfloatPagesAvx512, kBfloatPagesNeon;

}  // namespace sizeup::cpu
