// What products share: tiles of rows and weights in threadgroup memory, multiplied as matrices of 8x8.
//
// Every output is one chain over the inputs from first to last, whatever the tile (matrices.h): a row gets
// the same bits from every kernel and with every number of rows, as long as an element of a simdgroup's
// matrix product does not depend on where it lies in the matrix. Inputs beyond the last are zeros up to a
// whole step of the chain.
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
