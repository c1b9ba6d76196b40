// Products of matrices of 8x8 that a simdgroup holds together: as simdgroup matrices where the GPU has them,
// else as two neighbouring elements of a row in each thread.
//
// Every element is one chain over the depth of the product, from first to last, wherever it lies.
#pragma once

#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"

constant int uses_matrices [[function_constant(16)]];

template <int kRows, int kColumns>
struct MatrixBlock {
  metal::simdgroup_float8x8 matrices[kRows][kColumns];
  float elements[kRows][kColumns][2];
};

// Of a thread's two elements.
inline int row_in_matrix(uint lane) {
  return static_cast<int>(lane) / 4;
}
inline int column_in_matrix(uint lane) {
  return static_cast<int>(lane) % 4 * 2;
}

template <int kRows, int kColumns>
inline void clear_block(thread MatrixBlock<kRows, kColumns>& block) {
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) {
      if (uses_matrices) {
        block.matrices[r][c] = metal::make_filled_simdgroup_matrix<float, 8>(0.0f);
      } else {
        block.elements[r][c][0] = 0.0f;
        block.elements[r][c][1] = 0.0f;
      }
    }
  }
}

// sums += a b. Both lie in threadgroup memory: rows of a kStride apart, and an element of b kDepthStep from
// the next one of its column, kColumnStep from the next one of its row, one of which is 1.
template <int kDepth, int kStride, int kDepthStep, int kColumnStep, int kRows, int kColumns, class Floats>
inline void add_product(Floats a, Floats b, uint lane, thread MatrixBlock<kRows, kColumns>& sums) {
  if (uses_matrices) {
    for (int k = 0; k < kDepth; k += 8) {
      metal::simdgroup_float8x8 by[kColumns];
      for (int c = 0; c < kColumns; ++c) {
        metal::simdgroup_load(by[c], b + k * kDepthStep + 8 * c * kColumnStep,
                              kDepthStep == 1 ? kColumnStep : kDepthStep, 0, kDepthStep == 1);
      }
      for (int r = 0; r < kRows; ++r) {
        metal::simdgroup_float8x8 from;
        metal::simdgroup_load(from, a + r * 8 * kStride + k, kStride, 0, false);
        for (int c = 0; c < kColumns; ++c)
          metal::simdgroup_multiply_accumulate(sums.matrices[r][c], from, by[c], sums.matrices[r][c]);
      }
    }
    return;
  }
  const int row = row_in_matrix(lane);
  const int column = column_in_matrix(lane);
  for (int k = 0; k < kDepth; ++k) {
    for (int r = 0; r < kRows; ++r) {
      const float from = a[(8 * r + row) * kStride + k];
      for (int c = 0; c < kColumns; ++c) {
        for (int e = 0; e < 2; ++e) {
          thread float& sum = sums.elements[r][c][e];
          sum = metal::fma(from, b[k * kDepthStep + (8 * c + column + e) * kColumnStep], sum);
        }
      }
    }
  }
}

// Into threadgroup memory.
template <int kRows, int kColumns, class Floats>
inline void store_block(thread const MatrixBlock<kRows, kColumns>& block, Floats to, int stride, uint lane) {
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) {
      Floats corner = to + 8 * r * stride + 8 * c;
      if (uses_matrices) {
        metal::simdgroup_store(block.matrices[r][c], corner, stride, 0, false);
      } else {
        Floats own = corner + row_in_matrix(lane) * stride + column_in_matrix(lane);
        own[0] = block.elements[r][c][0];
        own[1] = block.elements[r][c][1];
      }
    }
  }
}

// Every row times its factor. scratch: 64 floats of threadgroup memory for the simdgroup.
template <class Floats>
inline void scale_rows(Floats factors, uint lane, Floats scratch, thread MatrixBlock<1, 1>& block) {
  const float factor = factors[row_in_matrix(lane)];
  if (!uses_matrices) {
    block.elements[0][0][0] *= factor;
    block.elements[0][0][1] *= factor;
    return;
  }
  store_block(block, scratch, 8, lane);
  metal::simdgroup_barrier(metal::mem_flags::mem_threadgroup);
  scratch[2 * lane] *= factor;
  scratch[2 * lane + 1] *= factor;
  metal::simdgroup_barrier(metal::mem_flags::mem_threadgroup);
  metal::simdgroup_load(block.matrices[0][0], scratch, 8, 0, false);
  metal::simdgroup_barrier(metal::mem_flags::mem_threadgroup);
}
