#include <cuda_bf16.h>

#include "backends/cuda/check.h"
#include "backends/cuda/dependent_launch.cuh"
#include "backends/cuda/rotary.h"

namespace sizeup::cuda {
namespace {

constexpr int kThreads = 256;

unsigned blocks_for(size_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

__device__ size_t thread_index() {
  return static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
}

__global__ void angles_of_rows(AnglesWork work) {
  const size_t index = thread_index();
  if (index >= static_cast<size_t>(work.rows) * work.pairs) return;
  const size_t row = index / work.pairs;
  const float angle = static_cast<float>(work.positions[row]) * work.frequencies[index % work.pairs];
  double sine = 0.0;
  double cosine = 0.0;
  sincos(static_cast<double>(angle), &sine, &cosine);
  work.cosines[index] = static_cast<float>(cosine) * work.scale;
  work.sines[index] = static_cast<float>(sine) * work.scale;
}

// A thread for each pair of a head; a block's threads are neighbours in a row.
__global__ void rotate_rows(RotateWork work) {
  let_next_kernel_begin();
  await_earlier_kernels();
  const int index = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (index >= work.heads * work.pairs) return;
  const int pair = index % work.pairs;
  const size_t row = blockIdx.y;
  const bool interleaved = work.layout == RotaryLayout::interleaved;
  float* first = work.rows + row * work.stride + static_cast<size_t>(index / work.pairs) * work.head_size +
                 (interleaved ? 2 * pair : pair);
  float* second = first + (interleaved ? 1 : work.pairs);
  const float cosine = work.cosines[row * work.pairs + pair];
  const float sine = work.sines[row * work.pairs + pair];
  const float a = *first;
  const float b = *second;
  *first = __fsub_rn(__fmul_rn(a, cosine), __fmul_rn(b, sine));
  *second = __fadd_rn(__fmul_rn(b, cosine), __fmul_rn(a, sine));
}

__device__ void store(float value, float* to) {
  *to = value;
}
__device__ void store(float value, __nv_bfloat16* to) {
  *to = __float2bfloat16_rn(value);
}

// A thread for each piece of a position's keys and values. Padding behind a head becomes 0.
template <typename Element>
__global__ void write_rows(WriteWork work) {
  let_next_kernel_begin();
  await_earlier_kernels();
  constexpr int kElements = kPieceBytes / static_cast<int>(sizeof(Element));
  const PageShape shape = work.pages.shape;
  const int pieces = shape.pieces();
  const int index = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (index >= 2 * shape.kv_heads * pieces) return;
  const int half = index / pieces;  // as they lie in the page: keys and values of a head are neighbours
  const int column = index % pieces * kElements;
  const KeyValueWrite write = work.writes[blockIdx.y];
  const float* from = work.rows + static_cast<size_t>(write.row) * work.stride +
                      (half % 2 == 0 ? work.key_column : work.value_column) + half / 2 * shape.head_size;
  alignas(kPieceBytes) Element piece[kElements];
#pragma unroll
  for (int i = 0; i < kElements; ++i)
    store(column + i < shape.head_size ? from[column + i] : 0.0F, &piece[i]);
  auto* to =
      reinterpret_cast<Element*>(work.pages.first + static_cast<size_t>(write.page) * work.pages.page_bytes +
                                 static_cast<size_t>(half) * shape.half_bytes());
  *reinterpret_cast<uint4*>(to + shape.element(write.offset, column)) =
      *reinterpret_cast<const uint4*>(piece);
}

constexpr int kMostGridRows = 65535;

}  // namespace

void compute_angles(const AnglesWork& work, cudaStream_t stream) {
  const size_t threads = static_cast<size_t>(work.rows) * static_cast<size_t>(work.pairs);
  if (threads == 0) return;
  angles_of_rows<<<blocks_for(threads), kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
}

void rotate(const RotateWork& work, cudaStream_t stream) {
  const auto threads = static_cast<size_t>(work.heads * work.pairs);
  if (threads == 0 || work.row_count == 0) return;
  for (int begin = 0; begin < work.row_count; begin += kMostGridRows) {
    RotateWork part = work;
    part.rows += static_cast<size_t>(begin) * work.stride;
    part.cosines += static_cast<size_t>(begin) * static_cast<size_t>(work.pairs);
    part.sines += static_cast<size_t>(begin) * static_cast<size_t>(work.pairs);
    const int rows = work.row_count - begin < kMostGridRows ? work.row_count - begin : kMostGridRows;
    const dim3 grid(blocks_for(threads), static_cast<unsigned>(rows));
    launch_early(rotate_rows, {.grid = grid, .block = kThreads}, stream, part);
  }
}

void write_keys_and_values(const WriteWork& work, cudaStream_t stream) {
  const PageShape& shape = work.pages.shape;
  const auto threads = static_cast<size_t>(2 * shape.kv_heads * shape.pieces());
  for (int begin = 0; begin < work.write_count; begin += kMostGridRows) {
    WriteWork part = work;
    part.writes += begin;
    const int writes = work.write_count - begin < kMostGridRows ? work.write_count - begin : kMostGridRows;
    const dim3 grid(blocks_for(threads), static_cast<unsigned>(writes));
    if (shape.element_bytes == 2) {
      launch_early(write_rows<__nv_bfloat16>, {.grid = grid, .block = kThreads}, stream, part);
    } else {
      launch_early(write_rows<float>, {.grid = grid, .block = kThreads}, stream, part);
    }
  }
}

}  // namespace sizeup::cuda
