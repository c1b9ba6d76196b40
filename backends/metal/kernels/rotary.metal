// Rotation of queries and keys, and the way of keys and values into pages.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int rotary_pairs [[function_constant(8)]];

// A thread has a pair of a head: (pair, head, row) in the grid. Cosines and sines: [position][pair].
kernel void rotate(device float* rows [[buffer(0)]], device const int* positions [[buffer(1)]],
                   device const float* cosines [[buffer(2)]], device const float* sines [[buffer(3)]],
                   constant RotaryParameters& parameters [[buffer(4)]],
                   uint3 place [[thread_position_in_grid]]) {
  const int pairs = parameters.dimensions / 2;
  const int pair = static_cast<int>(place.x);
  if (pair >= pairs) return;
  device float* head = rows + static_cast<long>(place.z) * parameters.stride +
                       static_cast<long>(place.y) * parameters.head_size;
  const int first = rotary_pairs == kInterleaved ? 2 * pair : pair;
  const int second = rotary_pairs == kInterleaved ? 2 * pair + 1 : pair + pairs;
  const long angle = static_cast<long>(positions[place.z]) * pairs + pair;
  const float x = head[first];
  const float y = head[second];
  head[first] = x * cosines[angle] - y * sines[angle];
  head[second] = y * cosines[angle] + x * sines[angle];
}

// A thread has a column of key and value: (column, write) in the grid.
kernel void write_keys_values(device const float* rows [[buffer(0)]],
                              device const KeyWrite* writes [[buffer(1)]], device float* pages [[buffer(2)]],
                              constant WriteParameters& parameters [[buffer(3)]],
                              uint3 place [[thread_position_in_grid]]) {
  const int size = parameters.part.head_size;
  const int width = parameters.part.kv_heads * size;
  const int column = static_cast<int>(place.x);
  if (column >= width) return;
  device const KeyWrite& write = writes[place.y];
  device const float* key = rows + static_cast<long>(write.row) * parameters.stride + parameters.key_column;
  device float* keys =
      pages + static_cast<long>(write.page) * parameters.part.page_floats + parameters.part.layer_floats;
  device float* values = keys + width * kPositions;
  keys[column * kPositions + write.offset] = key[column];
  values[(column / size * kPositions + write.offset) * size + column % size] = key[width + column];
}
