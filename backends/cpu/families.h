// The kernels that exist, by tier; each is defined in the source file of its name. Only those whose tier the
// machine has may be called.
#pragma once

#include "backends/cpu/kernels.h"

namespace sizeup::cpu {

extern const RowKernels kRowsAvx2, kRowsAvx512, kRowsNeon;
extern const DeltaKernels kDeltaAvx2, kDeltaAvx512, kDeltaNeon;

// Operands of floats or rounded_floats, weights of any format.
extern const ProductFamily kFloatsAvx2, kFloatsAvx512, kFloatsNeon;

// Operands of pairs, weights of bfloat16.
extern const ProductFamily kBfloatsNeon;

}  // namespace sizeup::cpu
