#include "backends/cuda/check.h"
#include "backends/cuda/float_product.h"

namespace sizeup::cuda {
namespace {

constexpr int kDepth = 16;     // inputs of a stage in shared memory
constexpr int kOutputs = 64;   // of a block: 16 threads with four neighbours each
constexpr int kThreads = 256;  // 16 by 16
constexpr int kFour = 4;

// kRows of 16 threads' rows: one or four each.
template <int kThreadRows>
__global__ void __launch_bounds__(kThreads) float_product(const FloatProduct work) {
  constexpr int kRows = 16 * kThreadRows;
  __shared__ float weights[kDepth][kOutputs + kFour];
  __shared__ float rows[kDepth][kRows + kFour];
  const int first_row = blockIdx.x * kRows;
  const int first_output = blockIdx.y * kOutputs;
  const int output = threadIdx.x % 16 * kFour;
  const int row = threadIdx.x / 16 * kThreadRows;
  float sums[kThreadRows][kFour] = {};
  for (int input = 0; input < work.inputs; input += kDepth) {
    for (int i = threadIdx.x; i < kOutputs * kDepth; i += kThreads) {
      const int o = first_output + i / kDepth;
      weights[i % kDepth][i / kDepth] =
          o < work.outputs ? work.weights[static_cast<int64_t>(o) * work.inputs + input + i % kDepth] : 0.0F;
    }
    for (int i = threadIdx.x; i < kRows * kDepth; i += kThreads) {
      const int r = first_row + i / kDepth;
      rows[i % kDepth][i / kDepth] = r < work.rows ? work.in[r * work.in_stride + input + i % kDepth] : 0.0F;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
#pragma unroll
      for (int r = 0; r < kThreadRows; ++r)
#pragma unroll
        for (int o = 0; o < kFour; ++o)
          sums[r][o] = __fmaf_rn(rows[k][row + r], weights[k][output + o], sums[r][o]);
    }
    __syncthreads();
  }
  for (int r = 0; r < kThreadRows; ++r) {
    for (int o = 0; o < kFour; ++o) {
      const int64_t to_row = first_row + row + r;
      const int to_output = first_output + output + o;
      if (to_row >= work.rows || to_output >= work.outputs) continue;
      float value = sums[r][o];
      if (work.bias != nullptr) value = __fadd_rn(value, work.bias[to_output]);
      float* place = work.out + to_row * work.out_stride + to_output;
      *place = work.add ? __fadd_rn(*place, value) : value;
    }
  }
}

template <int kThreadRows>
void launch(const FloatProduct& work, cudaStream_t stream) {
  constexpr int kRows = 16 * kThreadRows;
  const dim3 grid((work.rows + kRows - 1) / kRows, (work.outputs + kOutputs - 1) / kOutputs);
  float_product<kThreadRows><<<grid, kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
}

}  // namespace

void multiply_floats(const FloatProduct& work, cudaStream_t stream) {
  if (work.rows <= 0 || work.outputs <= 0) return;
  if (work.rows <= 32) {
    launch<1>(work, stream);
  } else {
    launch<4>(work, stream);
  }
}

}  // namespace sizeup::cuda
