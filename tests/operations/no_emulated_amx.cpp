// In place of emulated_amx.cpp where the tests are built for other processors than x86-64.
#include "core/errors/result.h"
#include "tests/operations/emulated_amx.h"

namespace sizeup::cpu {

const Kernels& emulated_amx() {
  throw InternalError("emulated tiles are asked for only where the processor offers AVX2");
}

}  // namespace sizeup::cpu
