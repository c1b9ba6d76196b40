// The kernels of the amx tier with emulated tiles: a whole device of them computes on any machine with AVX2.
// Others don't ask for it.
#pragma once

#include "backends/cpu/kernels.h"

namespace sizeup::cpu {

const Kernels& emulated_amx();

}  // namespace sizeup::cpu
