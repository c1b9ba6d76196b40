// Products with weights as they lie in a file, unpacked in registers, for rows in groups. All work on
// `stream`; pointers are of device memory.
//
// Bits: a result depends on its row and its weights alone. In bfloat16 it is that of tile_product.h, whose
// weights are the blocks' values rounded to bfloat16: one float32 sum, 16 inputs at a time from the first to
// the last.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/row_groups.h"
#include "backends/cuda/row_views.h"
#include "backends/engine/formats/block_formats.h"

namespace sizeup::cuda {

// Of every group in turn: {outputs, inputs}. Rows of blocks begin at even addresses.
// The memory is readable from the multiple of 16 bytes at or before its begin to the one at or after its end.
struct GroupedWeights {
  const void* data = nullptr;
  TensorType type = TensorType::bf16;
  int64_t stride = 0;        // bytes from one output to the next
  int64_t group_stride = 0;  // bytes from one group to the next
  int outputs = 0;
  int inputs = 0;
  const float* bias = nullptr;  // [groups][outputs], added to results; nullptr: none
};

// Inputs of bfloat16 weights are padded with zeros to a multiple of this, and so are the rows' columns;
// blocks need nothing.
inline constexpr int kPackedInputs = 16;

// Whether multiply_packed takes weights of the type: bf16 and the block formats but Q8_K, which no model has.
bool has_packed_product(TensorType type);

// Rows of a tile that suit so many slots in so many groups.
int packed_tile_rows(int slots, int groups);

// out row s = the product of slot s. Rows are bfloat16 operands and begin at multiples of 16 bytes; groups'
// tiles are of packed_tile_rows(slots, groups).
void multiply_packed(const GroupedWeights& weights, const OperandRows& in, const RowGroups& groups,
                     const ValueRows& out, cudaStream_t stream);

// The same in float32, with weights of any type and in other groups' tiles: of kDotRows. Sums are those of 32
// lanes, which take eight neighbouring inputs in turn, added in pairs by the distance of 16, 8, 4, 2 and 1.
inline constexpr int kDotRows = 4;
void multiply_floats(const GroupedWeights& weights, const ConstValueRows& in, const RowGroups& groups,
                     const ValueRows& out, cudaStream_t stream);

}  // namespace sizeup::cuda
