// Weights as they lie in a file, in device memory: unpacked to rows, or row by row to tokens. All work on
// `stream`.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/row_views.h"
#include "backends/engine/formats/block_formats.h"

namespace sizeup::cuda {

// Rows of one type, as copy_row gives them. Rows of plain types begin where their elements are aligned, those
// of blocks anywhere.
struct WeightRows {
  const void* data = nullptr;
  TensorType type = TensorType::f32;
  int64_t stride = 0;  // bytes from one row to the next
  int rows = 0;
  int columns = 0;
};

// out row r = the weights of row r: float32 exactly as dequantise_row gives them, or those rounded once to
// bfloat16. Columns of out beyond the weights' are 0.
void dequantise(const WeightRows& weights, const OperandRows& out, cudaStream_t stream);

// out row r = scale * the table's row indices[r], which are tokens; the table's first row where it has none
// of that index.
void embed(const WeightRows& table, float scale, const int32_t* indices, const ValueRows& out,
           cudaStream_t stream);
// rows += the same. With positions as indices and a scale of 1 it is Device::add_positions.
void add_embedded(const WeightRows& table, float scale, const int32_t* indices, const ValueRows& rows,
                  cudaStream_t stream);

}  // namespace sizeup::cuda
