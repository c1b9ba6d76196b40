// Kernels that begin before the one ahead of them in their stream has ended: between two kernels of a few
// microseconds the GPU would idle for one. Chips before Hopper cannot; there nothing happens.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/check.h"

namespace sizeup::cuda {

// In a kernel launched by launch_early: waits until all that was before it in the stream is done and can be
// read. Until then it may read only what no kernel writes.
__device__ inline void await_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;\n" ::: "memory");
#endif
}

// In any kernel: from now on the next one may begin, if it was launched by launch_early, as far as there is
// room.
__device__ inline void let_next_kernel_begin() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;\n");
#endif
}

// Kernels of more threads than this, 512 for each multiprocessor of a large GPU, do not begin early: they
// would take room from the one ahead of them, and what lies between the two is little beside what they do.
inline constexpr unsigned kEarlyThreads = 1U << 16;

struct LaunchShape {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;
};

// Launches a kernel of one-dimensional blocks. The kernel must call await_earlier_kernels before it reads
// what others wrote, and before it writes.
template <class... Parameters, class... Arguments>
void launch_early(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                  const Arguments&... arguments) {
  static const bool possible = [] {
    int device = 0;
    int major = 0;
    check(cudaGetDevice(&device));
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    return major >= 9;
  }();
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  config.attrs = &early;
  const unsigned blocks = shape.grid.x * shape.grid.y * shape.grid.z;
  config.numAttrs = possible && blocks * shape.block.x <= kEarlyThreads ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kernel, arguments...));
}

}  // namespace sizeup::cuda
