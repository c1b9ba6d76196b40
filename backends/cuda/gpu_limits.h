// What the GPU can do at most, measured here and now.
#pragma once

#include "backends/engine/machine_limits.h"

namespace sizeup::cuda {

// Products of large bfloat16 matrices of random values by the vendor's library (zeros would run faster: the
// chip's clock depends on what it computes), float32 multiply-adds in registers, and reading more memory than
// the caches hold. Takes about a second.
MachineLimits measure_limits();

}  // namespace sizeup::cuda
