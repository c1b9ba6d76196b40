// Products of bfloat16 rows and weights by mma.sync, for any number of rows: the definition of the device's
// product, whose bits every faster kernel has to give.
//
// Each result has one float32 sum that takes 16 inputs at a time (one m16n8k16) from the first to the last;
// inputs are padded to whole steps with zeros. Nothing else, neither tile nor stages nor rows, moves a bit.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace sizeup::cuda {

// Inputs of weights and operand rows are padded with zeros to a multiple of this: 128 bytes of bfloat16, a
// row of a tile in shared memory.
inline constexpr int kInputPadding = 64;

inline constexpr int padded_inputs(int inputs) {
  return (inputs + kInputPadding - 1) / kInputPadding * kInputPadding;
}

// out[row][output] = or += sum over inputs of in[row][input] * weights[output][input], plus a bias.
struct TileProduct {
  const __nv_bfloat16* weights = nullptr;  // [outputs][inputs]
  int outputs = 0;
  int inputs = 0;  // padded
  const __nv_bfloat16* in = nullptr;
  int64_t in_stride = 0;  // elements; at least `inputs`
  int rows = 0;
  const float* bias = nullptr;  // [outputs]; nullptr: none
  float* out = nullptr;
  int64_t out_stride = 0;
  bool add = false;  // to what is there
};

void multiply_tiles(const TileProduct& work, int multiprocessors, cudaStream_t stream);

}  // namespace sizeup::cuda
