// Operations on rows element by element, and copies of rows.
#include <metal_stdlib>

#include "backends/metal/kernels/activations.h"
#include "backends/metal/kernels/parameters.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int activation_kind [[function_constant(7)]];

kernel void clear(device float* values [[buffer(0)]], constant ElementParameters& parameters [[buffer(1)]],
                  uint place [[thread_position_in_grid]]) {
  if (static_cast<int>(place) < parameters.count) values[place] = 0.0f;
}

kernel void scale(device float* values [[buffer(0)]], constant ElementParameters& parameters [[buffer(1)]],
                  uint place [[thread_position_in_grid]]) {
  if (static_cast<int>(place) < parameters.count) values[place] *= parameters.factor;
}

kernel void add(device const float* in [[buffer(0)]], device float* values [[buffer(1)]],
                constant ElementParameters& parameters [[buffer(2)]],
                uint place [[thread_position_in_grid]]) {
  if (static_cast<int>(place) < parameters.count) values[place] += parameters.factor * in[place];
}

// values += in times its row's weight. (column, row) in the grid, as in what follows.
kernel void add_weighted(device const float* in [[buffer(0)]], device const float* weights [[buffer(1)]],
                         device float* values [[buffer(2)]],
                         constant WeightedParameters& parameters [[buffer(3)]],
                         uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.y;
  const float weight = weights[row * parameters.weight_stride + parameters.weight_column];
  const long at = row * parameters.columns + column;
  values[at] += weight * in[at];
}

kernel void activate(device float* values [[buffer(0)]], constant ElementParameters& parameters [[buffer(1)]],
                     uint place [[thread_position_in_grid]]) {
  if (static_cast<int>(place) < parameters.count) values[place] = activated(activation_kind, values[place]);
}

kernel void gate(device const float* in [[buffer(0)]], device const float* factors [[buffer(1)]],
                 device float* out [[buffer(2)]], constant ColumnParameters& parameters [[buffer(3)]],
                 uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.y;
  const float factor = factors[row * parameters.factor_stride + parameters.factor_column + column];
  out[row * parameters.columns + column] =
      activated_gate(activation_kind, in[row * parameters.in_stride + column], factor);
}

kernel void apply_gate(device const float* in [[buffer(0)]], device const float* gates [[buffer(1)]],
                       device float* out [[buffer(2)]], constant ColumnParameters& parameters [[buffer(3)]],
                       uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.y;
  const float gate = gates[row * parameters.factor_stride + parameters.factor_column + column];
  out[row * parameters.columns + column] = in[row * parameters.in_stride + column] * logistic(gate);
}

// Row `chosen[i]` of `in` becomes row i.
kernel void copy_rows(device const float* in [[buffer(0)]], device const int* chosen [[buffer(1)]],
                      device float* out [[buffer(2)]], constant CopyParameters& parameters [[buffer(3)]],
                      uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long from = chosen[place.y];
  const long to = place.y;
  out[to * parameters.columns + column] = in[from * parameters.columns + column];
}
