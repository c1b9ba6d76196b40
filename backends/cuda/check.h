// Calls of the CUDA runtime that must not fail: once a device is open, a failure is a bug of ours or a broken
// machine.
#pragma once

#include <cuda_runtime.h>

#include <source_location>

namespace sizeup::cuda {

// Throws InternalError with the call's place and CUDA's words for the error.
void check(cudaError_t status, std::source_location place = std::source_location::current());

}  // namespace sizeup::cuda
