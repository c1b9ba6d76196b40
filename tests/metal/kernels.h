// The device's kernels, compiled for the host.
#pragma once

#include "backends/metal/kernel_text.h"
#include "tests/metal/shim/kernel_table.h"

namespace sizeup::metal_shim {

const KernelTable& compiled_kernels();

}  // namespace sizeup::metal_shim
