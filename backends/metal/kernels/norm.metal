// Norms of rows, or of parts of rows.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int norm_formula [[function_constant(0)]];
constant int norm_has_bias [[function_constant(1)]];
constant int norm_adds [[function_constant(2)]];

// `in` and `out` may be the same: a thread writes the columns that it read.
kernel void norm(device const float* in [[buffer(0)]], device const float* weight [[buffer(1)]],
                 device const float* bias [[buffer(2)]], device float* out [[buffer(3)]],
                 constant NormParameters& parameters [[buffer(4)]],
                 uint3 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]]) {
  threadgroup float partial[kRowThreads / kSimdThreads];
  const int columns = parameters.columns;
  const int column = parameters.first_column + static_cast<int>(group.x) * columns;
  device const float* from = in + static_cast<long>(group.y) * parameters.in_stride + column;
  device float* to = out + static_cast<long>(group.y) * parameters.out_stride + column;
  const int first = static_cast<int>(index);
  float mean = 0.0f;
  if (norm_formula == kLayerNorm) {
    float sum = 0.0f;
    for (int c = first; c < columns; c += kRowThreads) sum += from[c];
    mean = group_total(sum, &partial[0], index, kRowThreads) / static_cast<float>(columns);
  }
  float scale = 1.0f;
  if (norm_formula != kNoNorm) {
    float sum = 0.0f;
    for (int c = first; c < columns; c += kRowThreads) {
      const float x = from[c] - mean;
      sum += x * x;
    }
    const float square = group_total(sum, &partial[0], index, kRowThreads) / static_cast<float>(columns);
    scale = 1.0f / precise::sqrt(square + parameters.epsilon);
  }
  for (int c = first; c < columns; c += kRowThreads) {
    float value = (from[c] - mean) * scale * weight[c];
    if (norm_has_bias) value += bias[c];
    to[c] = norm_adds ? to[c] + value : value;
  }
}
