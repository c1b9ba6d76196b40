// What products share: tiles of rows and weights in threadgroup memory, multiplied as matrices of 8x8.
//
// Every output is one chain of such products over the inputs from first to last, whatever the tile: a row
// gets the same bits from every kernel and with every number of rows, as long as an element of a matrix
// product does not depend on where it lies in the matrix. Inputs beyond the last are zeros up to a whole step
// of the chain.
#pragma once

#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/weight_formats.h"

// Eights of a step lie side by side: four for a row of a tile.
constant constexpr int kEights = sizeup::metal_kernels::kTileDepth / 8;

// Eight inputs of a row of a tile; zeros where there are none. row: nullptr beyond the last.
template <class Floats>
inline void load_inputs(device const float* row, bool present, int first, int inputs, Floats to) {
  for (int i = 0; i < 8; ++i) to[i] = present && first + i < inputs ? row[first + i] : 0.0f;
}

// Eight weights of an output of a tile.
template <class Floats>
inline void load_weights(device const uchar* row, bool present, int first, int inputs, Floats to) {
  float eight[8];
  eight_weights(row, first, present ? inputs : 0, eight);
  for (int i = 0; i < 8; ++i) to[i] = eight[i];
}

// sums[r][o] += rows 8r.. of `in` times outputs 8o.. of `weights`, over the step's inputs in order.
template <int kRowBlocks, int kOutputBlocks, class Floats>
inline void multiply_step(Floats in, Floats weights,
                          thread metal::simdgroup_float8x8 (&sums)[kRowBlocks][kOutputBlocks]) {
  using namespace sizeup::metal_kernels;
  for (int k = 0; k < kTileDepth; k += 8) {
    metal::simdgroup_float8x8 by[kOutputBlocks];
    for (int o = 0; o < kOutputBlocks; ++o)
      metal::simdgroup_load(by[o], weights + o * 8 * kTileDepth + k, kTileDepth, 0, true);
    for (int r = 0; r < kRowBlocks; ++r) {
      metal::simdgroup_float8x8 from;
      metal::simdgroup_load(from, in + r * 8 * kTileDepth + k, kTileDepth, 0, false);
      for (int o = 0; o < kOutputBlocks; ++o)
        metal::simdgroup_multiply_accumulate(sums[r][o], from, by[o], sums[r][o]);
    }
  }
}
