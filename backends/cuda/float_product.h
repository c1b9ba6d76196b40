// Products in float32 without tensor cores (their TF32 has too few bits), for any number of rows. Each result
// is one chain of fused multiply-adds from the first input to the last, whatever the rows.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace sizeup::cuda {

// As TileProduct (tile_product.h), of floats.
struct FloatProduct {
  const float* weights = nullptr;  // [outputs][inputs]
  int outputs = 0;
  int inputs = 0;  // a multiple of 16
  const float* in = nullptr;
  int64_t in_stride = 0;
  int rows = 0;
  const float* bias = nullptr;
  float* out = nullptr;
  int64_t out_stride = 0;
  bool add = false;
};

void multiply_floats(const FloatProduct& work, cudaStream_t stream);

}  // namespace sizeup::cuda
