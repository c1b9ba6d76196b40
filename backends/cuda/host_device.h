// Marks functions that kernels and the host share: what a kernel computes of indices is tested without a GPU.
#pragma once

#ifdef __CUDACC__
#define SIZEUP_HOST_DEVICE __host__ __device__
#else
#define SIZEUP_HOST_DEVICE
#endif
