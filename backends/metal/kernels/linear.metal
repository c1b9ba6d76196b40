// Rows times a matrix: with tiles of many rows, and of few. Both give a row the same bits (tiles.h).
#include <metal_stdlib>

#include "backends/metal/kernels/matrices.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/tiles.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int linear_has_bias [[function_constant(5)]];
constant int linear_adds [[function_constant(6)]];

// What becomes of the sum for one row and output.
inline void finish_output(float sum, device const float* bias, int output, device float* to) {
  if (linear_has_bias) sum += bias[output];
  *to = linear_adds ? *to + sum : sum;
}

// A group has 32 rows and 32 outputs: (outputs, rows) in the grid. A simdgroup has a quarter of them.
kernel void linear_many(device const float* in [[buffer(0)]], device const uchar* weights [[buffer(1)]],
                        device const float* bias [[buffer(2)]], device float* out [[buffer(3)]],
                        constant LinearParameters& parameters [[buffer(4)]],
                        uint3 group [[threadgroup_position_in_grid]],
                        uint index [[thread_index_in_threadgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float in_tile[kTileRows * kTileDepth];
  threadgroup float weight_tile[kTileOutputs * kTileDepth];
  threadgroup float out_tile[kTileRows * kTileOutputs];
  const int first_row = static_cast<int>(group.y) * kTileRows;
  const int first_output = static_cast<int>(group.x) * kTileOutputs;
  const int line = static_cast<int>(index) / kEights;  // the row, and the output, whose eight it loads
  const int eight = 8 * (static_cast<int>(index) % kEights);
  const bool has_row = first_row + line < parameters.rows;
  const bool has_output = first_output + line < parameters.outputs;
  device const float* row = in + static_cast<long>(first_row + line) * parameters.inputs;
  device const uchar* weight = weights + static_cast<long>(first_output + line) * parameters.row_bytes;

  const uint lane = index % kSimdThreads;
  MatrixBlock<2, 2> sums;
  clear_block(sums);
  const int row_part = 16 * (static_cast<int>(simdgroup) / 2);
  const int output_part = 16 * (static_cast<int>(simdgroup) % 2);
  for (int k = 0; k < parameters.inputs; k += kTileDepth) {
    load_inputs(row, has_row, k + eight, parameters.inputs, &in_tile[line * kTileDepth + eight]);
    load_weights(weight, has_output, k + eight, parameters.inputs, &weight_tile[line * kTileDepth + eight]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    add_product<kTileDepth, kTileDepth, 1, kTileDepth>(&in_tile[row_part * kTileDepth],
                                                       &weight_tile[output_part * kTileDepth], lane, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  store_block(sums, &out_tile[row_part * kTileOutputs + output_part], kTileOutputs, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int i = static_cast<int>(index); i < kTileRows * kTileOutputs; i += kTileThreads) {
    const int r = first_row + i / kTileOutputs;
    const int o = first_output + i % kTileOutputs;
    if (r >= parameters.rows || o >= parameters.outputs) continue;
    finish_output(out_tile[i], bias, o,
                  out + static_cast<long>(r) * parameters.out_stride + parameters.first_output + o);
  }
}

// A group has all rows, of which there are at most 8, and 32 outputs; a simdgroup 8 of these.
kernel void linear_few(device const float* in [[buffer(0)]], device const uchar* weights [[buffer(1)]],
                       device const float* bias [[buffer(2)]], device float* out [[buffer(3)]],
                       constant LinearParameters& parameters [[buffer(4)]],
                       uint3 group [[threadgroup_position_in_grid]],
                       uint index [[thread_index_in_threadgroup]],
                       uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float in_tile[kFewRows * kTileDepth];
  threadgroup float weight_tile[kTileOutputs * kTileDepth];
  threadgroup float out_tile[kFewRows * kTileOutputs];
  const int first_output = static_cast<int>(group.x) * kTileOutputs;
  const int line = static_cast<int>(index) / kEights;
  const int eight = 8 * (static_cast<int>(index) % kEights);
  const bool has_output = first_output + line < parameters.outputs;
  device const uchar* weight = weights + static_cast<long>(first_output + line) * parameters.row_bytes;

  const uint lane = index % kSimdThreads;
  MatrixBlock<1, 1> sums;
  clear_block(sums);
  const int output_part = 8 * static_cast<int>(simdgroup);
  for (int k = 0; k < parameters.inputs; k += kTileDepth) {
    if (line < kFewRows) {
      load_inputs(in + static_cast<long>(line) * parameters.inputs, line < parameters.rows, k + eight,
                  parameters.inputs, &in_tile[line * kTileDepth + eight]);
    }
    load_weights(weight, has_output, k + eight, parameters.inputs, &weight_tile[line * kTileDepth + eight]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    add_product<kTileDepth, kTileDepth, 1, kTileDepth>(&in_tile[0], &weight_tile[output_part * kTileDepth],
                                                       lane, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  store_block(sums, &out_tile[output_part], kTileOutputs, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int i = static_cast<int>(index); i < kFewRows * kTileOutputs; i += kTileThreads) {
    const int r = i / kTileOutputs;
    const int o = first_output + i % kTileOutputs;
    if (r >= parameters.rows || o >= parameters.outputs) continue;
    finish_output(out_tile[i], bias, o,
                  out + static_cast<long>(r) * parameters.out_stride + parameters.first_output + o);
  }
}
