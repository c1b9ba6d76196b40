#include "backends/cuda/fours.cuh"
#include "backends/cuda/weight_formats.h"
#include "backends/cuda/weights.h"

namespace sizeup::cuda {
namespace {

constexpr int kThreads = 256;

__device__ const uint8_t* row_of(const WeightRows& weights, int64_t row) {
  return static_cast<const uint8_t*>(weights.data) + row * weights.stride;
}

template <class T>
__device__ void store_eight(T* to, const Eight& eight, int count) {
  for (int half = 0; half < kEight; half += 4) {
    Four four;
    for (int i = 0; i < 4; ++i) four.value[i] = eight.value[half + i];
    store_four(to + half, four, min(4, count - half));
  }
}

// A thread has eight neighbours of a row: 16 bytes of bfloat16.
template <class Format, class T>
__global__ void dequantise_kernel(WeightRows weights, Rows<T> out) {
  const int eights = (out.columns + kEight - 1) / kEight;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t row = index / eights;
  if (row >= out.rows) return;
  const int first = static_cast<int>(index % eights) * kEight;
  const Eight eight = eight_weights<Format>(row_of(weights, row), first, weights.columns);
  store_eight(out.row(row) + first, eight, min(kEight, out.columns - first));
}

template <class Format, bool kAdd>
__global__ void embed_kernel(WeightRows table, float scale, const int32_t* indices, ValueRows out) {
  const int row = static_cast<int>(blockIdx.x);
  const int first = static_cast<int>(blockIdx.y * kThreads + threadIdx.x) * kEight;
  if (first >= out.columns) return;
  const int32_t index = indices[row] < table.rows ? indices[row] : 0;
  const int count = min(kEight, out.columns - first);
  float* at = out.row(row) + first;
  Eight eight = eight_weights<Format>(row_of(table, index), first, table.columns);
  for (int i = 0; i < kEight; ++i) {
    const float before = kAdd && i < count ? at[i] : 0.0F;
    eight.value[i] = __fadd_rn(before, __fmul_rn(scale, eight.value[i]));
  }
  store_eight(at, eight, count);
}

template <bool kAdd>
void launch_embed(const WeightRows& table, float scale, const int32_t* indices, const ValueRows& out,
                  cudaStream_t stream) {
  if (out.rows == 0) return;
  const int blocks = (out.columns + kThreads * kEight - 1) / (kThreads * kEight);
  const dim3 grid(static_cast<unsigned>(out.rows), static_cast<unsigned>(blocks));
  with_format(table.type, [&]<class Format>(Format) {
    embed_kernel<Format, kAdd><<<grid, kThreads, 0, stream>>>(table, scale, indices, out);
  });
  check(cudaGetLastError());
}

}  // namespace

void dequantise(const WeightRows& weights, const OperandRows& out, cudaStream_t stream) {
  require(out.rows <= weights.rows && out.columns >= weights.columns, "there is room for the weights");
  const int64_t eights = (out.columns + kEight - 1) / kEight * static_cast<int64_t>(out.rows);
  if (eights == 0) return;
  const auto blocks = static_cast<unsigned>((eights + kThreads - 1) / kThreads);
  with_operand(out, [&]<class T>(const Rows<T>& to) {
    with_format(weights.type, [&]<class Format>(Format) {
      dequantise_kernel<Format, T><<<blocks, kThreads, 0, stream>>>(weights, to);
    });
  });
  check(cudaGetLastError());
}

void embed(const WeightRows& table, float scale, const int32_t* indices, const ValueRows& out,
           cudaStream_t stream) {
  launch_embed<false>(table, scale, indices, out, stream);
}

void add_embedded(const WeightRows& table, float scale, const int32_t* indices, const ValueRows& rows,
                  cudaStream_t stream) {
  launch_embed<true>(table, scale, indices, rows, stream);
}

}  // namespace sizeup::cuda
