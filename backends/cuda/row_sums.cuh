// Sums over a row in the order of row_tree.h: each lane adds its own values from first to last, then lanes
// are added in pairs by the distance of 16, 8, 4, 2 and 1, then the warps from first to last.
#pragma once

#include "backends/cuda/fours.cuh"
#include "backends/cuda/row_tree.h"

namespace sizeup::cuda {

// Every lane gets the sum over all. Blocks have kBlockLanes threads: one row's, or one row's for each warp.
template <int kLanes>
__device__ float sum_of_lanes(float part) {
  for (int distance = kWarpLanes / 2; distance > 0; distance /= 2)
    part = __fadd_rn(part, __shfl_xor_sync(0xFFFFFFFFU, part, distance));
  if constexpr (kLanes == kWarpLanes) {
    return part;
  } else {
    __shared__ float warps[kLanes / kWarpLanes];
    __syncthreads();  // the sum before this one has been read
    if (threadIdx.x % kWarpLanes == 0) warps[threadIdx.x / kWarpLanes] = part;
    __syncthreads();
    float sum = 0.0F;
    for (const float warp : warps) sum = __fadd_rn(sum, warp);
    return sum;
  }
}

// body(first of four columns, how many of them there are) of a lane's columns.
template <int kLanes, class Body>
__device__ void each_four_of_lane(int columns, const Body& body) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  for (int column = first_of(lane); column < columns; column += lane_step(kLanes))
    body(column, min(4, columns - column));
}

template <int kLanes>
__device__ float mean_of(const float* values, int columns) {
  float sum = 0.0F;
  each_four_of_lane<kLanes>(columns, [&](int column, int count) {
    const Four four = load_four(values + column, count);
    for (int i = 0; i < 4; ++i) sum = __fadd_rn(sum, four.value[i]);
  });
  return sum_of_lanes<kLanes>(sum) / static_cast<float>(columns);
}

// The mean of (value - center)^2.
template <int kLanes>
__device__ float mean_square_of(const float* values, float center, int columns) {
  float sum = 0.0F;
  each_four_of_lane<kLanes>(columns, [&](int column, int count) {
    const Four four = load_four(values + column, count);
    for (int i = 0; i < count; ++i) {
      const float x = __fsub_rn(four.value[i], center);
      sum = __fmaf_rn(x, x, sum);
    }
  });
  return sum_of_lanes<kLanes>(sum) / static_cast<float>(columns);
}

// Body<kLanes> is called as body(row) by all lanes of a row.
template <int kLanes, class Body>
__global__ void each_row_kernel(int rows, Body body) {
  const int row =
      static_cast<int>(blockIdx.x) * (kBlockLanes / kLanes) + static_cast<int>(threadIdx.x) / kLanes;
  if (row < rows) body.template operator()<kLanes>(row);
}

// `columns` are those of a row, by which its lanes are chosen.
template <class Body>
void each_row(int rows, int columns, cudaStream_t stream, const Body& body) {
  if (rows == 0) return;
  if (row_lanes(columns) == kWarpLanes) {
    constexpr int kRows = kBlockLanes / kWarpLanes;
    each_row_kernel<kWarpLanes>
        <<<static_cast<unsigned>((rows + kRows - 1) / kRows), kBlockLanes, 0, stream>>>(rows, body);
  } else {
    each_row_kernel<kBlockLanes><<<static_cast<unsigned>(rows), kBlockLanes, 0, stream>>>(rows, body);
  }
  check(cudaGetLastError());
}

}  // namespace sizeup::cuda
