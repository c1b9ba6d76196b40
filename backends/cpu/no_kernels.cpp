// In place of kernels.cpp where the program is built for neither x86-64 nor arm64: no tier is supported, so
// nobody asks.
#include "backends/cpu/kernels.h"
#include "core/errors/result.h"

namespace sizeup::cpu {

const Kernels& kernels_of(CpuTier) {
  throw InternalError("kernels are asked for only where a tier is supported");
}

}  // namespace sizeup::cpu
