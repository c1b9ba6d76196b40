// Operations that need sums over a row: a group of threads for each.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

kernel void match_magnitude(device float* rows [[buffer(0)]], device const float* like [[buffer(1)]],
                            constant RowSumParameters& parameters [[buffer(2)]],
                            uint3 group [[threadgroup_position_in_grid]],
                            uint index [[thread_index_in_threadgroup]]) {
  threadgroup float partial[kRowThreads / kSimdThreads];
  const int columns = parameters.columns;
  device float* row = rows + static_cast<long>(group.x) * parameters.stride;
  device const float* other = like + static_cast<long>(group.x) * parameters.stride;
  float own_sum = 0.0f;
  float other_sum = 0.0f;
  for (int c = static_cast<int>(index); c < columns; c += kRowThreads) {
    own_sum += row[c] * row[c];
    other_sum += other[c] * other[c];
  }
  const float count = static_cast<float>(columns);
  const float own = group_total(own_sum, &partial[0], index, kRowThreads) / count;
  const float wanted = group_total(other_sum, &partial[0], index, kRowThreads) / count;
  const float factor = precise::sqrt(wanted) / precise::sqrt(max(own, parameters.least));
  for (int c = static_cast<int>(index); c < columns; c += kRowThreads) row[c] *= factor;
}

kernel void keep_above(device float* rows [[buffer(0)]], constant RowSumParameters& parameters [[buffer(1)]],
                       uint3 group [[threadgroup_position_in_grid]],
                       uint index [[thread_index_in_threadgroup]]) {
  threadgroup float partial[kRowThreads / kSimdThreads];
  const int columns = parameters.columns;
  device float* row = rows + static_cast<long>(group.x) * parameters.stride;
  const float count = static_cast<float>(columns);
  float sum = 0.0f;
  for (int c = static_cast<int>(index); c < columns; c += kRowThreads) sum += row[c];
  const float mean = group_total(sum, &partial[0], index, kRowThreads) / count;
  float squares = 0.0f;
  for (int c = static_cast<int>(index); c < columns; c += kRowThreads) {
    const float x = row[c] - mean;
    squares += x * x;
  }
  const float variance = group_total(squares, &partial[0], index, kRowThreads) / count;
  const float cutoff = mean + parameters.deviations * precise::sqrt(variance);
  for (int c = static_cast<int>(index); c < columns; c += kRowThreads) row[c] = max(row[c] - cutoff, 0.0f);
}
