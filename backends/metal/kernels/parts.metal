// Rows of neighbouring parts of the same size: residual streams side by side.
#include <metal_stdlib>

#include "backends/metal/kernels/activations.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

// The mean over the parts of each times the sigmoid of its gates. (column of a part, row) in the grid.
kernel void mix_parts(device const float* in [[buffer(0)]], device const float* gates [[buffer(1)]],
                      device float* out [[buffer(2)]], constant PartParameters& parameters [[buffer(3)]],
                      uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.y;
  const long first = row * parameters.parts * parameters.columns + column;
  float sum = 0.0f;
  for (int part = 0; part < parameters.parts; ++part) {
    const long at = first + part * parameters.columns;
    sum += in[at] * logistic(gates[at]);
  }
  out[row * parameters.columns + column] = sum / static_cast<float>(parameters.parts);
}

// Each part of a row += factor * in * sigmoid(the part's gate). (column of a part, part, row) in the grid.
kernel void add_to_parts(device const float* in [[buffer(0)]], device const float* gates [[buffer(1)]],
                         device float* rows [[buffer(2)]], constant PartParameters& parameters [[buffer(3)]],
                         uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.z;
  const long part = row * parameters.parts + place.y;
  rows[part * parameters.columns + column] +=
      parameters.factor * logistic(gates[part]) * in[row * parameters.columns + column];
}

// A product of two parts as sign(s) sqrt(max(|s|, least)), s divided by the square root of their size. A
// group of threads has one: (part, row) in the grid.
kernel void score_parts(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
                        device float* out [[buffer(2)]], constant PartParameters& parameters [[buffer(3)]],
                        uint3 group [[threadgroup_position_in_grid]],
                        uint index [[thread_index_in_threadgroup]]) {
  threadgroup float partial[kRowThreads / kSimdThreads];
  const long part = static_cast<long>(group.y) * parameters.parts + group.x;
  const long first = part * parameters.columns;
  float sum = 0.0f;
  for (int c = static_cast<int>(index); c < parameters.columns; c += kRowThreads)
    sum += a[first + c] * b[first + c];
  const float score = group_total(sum, &partial[0], index, kRowThreads) /
                      precise::sqrt(static_cast<float>(parameters.columns));
  if (index != 0) return;
  out[part] = score == 0.0f ? 0.0f : copysign(precise::sqrt(max(fabs(score), parameters.least)), score);
}
