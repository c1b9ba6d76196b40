// What comparing two kernels takes: values whose sums depend on the order of adding, and a comparison of
// bits.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace sizeup::cuda {

// Most values within 1, one in sixteen each 1024 and -1024, two in sixteen of the order of 2^-15: large ones
// cancel and small ones are lost or not depending on when they are added.
void fill_for_probe(__nv_bfloat16* values, size_t count, uint32_t seed, cudaStream_t stream);
void fill_floats_for_probe(float* values, size_t count, cudaStream_t stream);

// `scratch` is one word on the device. Waits for the stream.
bool same_bits(const float* a, const float* b, size_t count, uint32_t* scratch, cudaStream_t stream);

}  // namespace sizeup::cuda
