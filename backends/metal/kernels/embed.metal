// Rows of a table.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/weight_formats.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int embed_adds [[function_constant(4)]];

// A thread has eight columns: (eight, row) in the grid. A token that the table lacks has its first row.
kernel void embed(device const uchar* table [[buffer(0)]], device const int* tokens [[buffer(1)]],
                  device float* out [[buffer(2)]], constant EmbedParameters& parameters [[buffer(3)]],
                  uint3 place [[thread_position_in_grid]]) {
  const int first = 8 * static_cast<int>(place.x);
  if (first >= parameters.columns) return;
  const int token = tokens[place.y];
  const long row = token < parameters.table_rows ? token : 0;
  float eight[8];
  eight_weights(table + row * parameters.row_bytes, first, parameters.columns, eight);
  device float* to = out + static_cast<long>(place.y) * parameters.columns + first;
  const int count = min(8, parameters.columns - first);
  for (int i = 0; i < count; ++i) {
    const float value = parameters.scale * eight[i];
    to[i] = embed_adds ? to[i] + value : value;
  }
}
