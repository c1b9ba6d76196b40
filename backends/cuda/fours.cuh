// What kernels on rows share: each thread has four neighbouring columns, which are one access of 16 bytes
// where they lie on such a boundary.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "backends/cuda/check.h"
#include "backends/cuda/row_views.h"
#include "core/errors/result.h"

namespace sizeup::cuda {

struct Four {
  float value[4] = {};
};

__device__ inline bool aligned(const void* pointer, unsigned bytes) {
  return reinterpret_cast<uintptr_t>(pointer) % bytes == 0;
}

// The first `count` of four neighbours; the others are 0.
__device__ inline Four load_four(const float* from, int count) {
  Four four;
  if (count == 4 && aligned(from, sizeof(float4))) {
    const float4 all = *reinterpret_cast<const float4*>(from);
    four.value[0] = all.x;
    four.value[1] = all.y;
    four.value[2] = all.z;
    four.value[3] = all.w;
    return four;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (i < count) four.value[i] = from[i];
  }
  return four;
}

__device__ inline void store_four(float* to, const Four& four, int count) {
  if (count == 4 && aligned(to, sizeof(float4))) {
    *reinterpret_cast<float4*>(to) = make_float4(four.value[0], four.value[1], four.value[2], four.value[3]);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (i < count) to[i] = four.value[i];
  }
}

__device__ inline void store_four(__nv_bfloat16* to, const Four& four, int count) {
  if (count == 4 && aligned(to, 4 * sizeof(__nv_bfloat16))) {
    auto* pairs = reinterpret_cast<__nv_bfloat162*>(to);
    pairs[0] = __floats2bfloat162_rn(four.value[0], four.value[1]);
    pairs[1] = __floats2bfloat162_rn(four.value[2], four.value[3]);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (i < count) to[i] = __float2bfloat16_rn(four.value[i]);
  }
}

inline constexpr int kRowThreads = 256;

// body(row, first of four columns, how many of them there are)
template <class Body>
__global__ void each_four_kernel(int columns, Body body) {
  const int column = 4 * static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  if (column < columns) body(static_cast<int>(blockIdx.x), column, min(4, columns - column));
}

template <class Body>
void each_four(int rows, int columns, cudaStream_t stream, const Body& body) {
  if (rows == 0 || columns == 0) return;
  const int fours = (columns + 3) / 4;
  const int threads = min(kRowThreads, (fours + 31) / 32 * 32);
  const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>((fours + threads - 1) / threads));
  each_four_kernel<<<grid, static_cast<unsigned>(threads), 0, stream>>>(columns, body);
  check(cudaGetLastError());
}

// body(Rows<float> or Rows<__nv_bfloat16>)
template <class Body>
void with_operand(const OperandRows& rows, const Body& body) {
  switch (rows.precision) {
    case Precision::float32:
      return body(Rows<float>{static_cast<float*>(rows.data), rows.stride, rows.rows, rows.columns});
    case Precision::bfloat16:
      return body(
          Rows<__nv_bfloat16>{static_cast<__nv_bfloat16*>(rows.data), rows.stride, rows.rows, rows.columns});
  }
  throw InternalError("an operand has one of the precisions");
}

}  // namespace sizeup::cuda
