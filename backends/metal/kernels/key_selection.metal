// Which blocks of keys a row attends to (IndexSpec): small keys beside those of attention, their means by
// blocks, and the best blocks of each row.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"

using namespace metal;
using namespace sizeup::metal_kernels;

// The key of a block, in the page in which the block ends.
inline long block_key_place(constant IndexPart& part, int page, int last_position) {
  const int page_begin = last_position / kPositions * kPositions;
  const int slot = last_position / part.block - page_begin / part.block;
  return static_cast<long>(page) * part.page_floats + part.index_floats +
         (kPositions + slot) * part.head_size;
}

// (column, write) in the grid.
kernel void write_index_keys(device const float* rows [[buffer(0)]],
                             device const KeyWrite* writes [[buffer(1)]], device float* pages [[buffer(2)]],
                             constant IndexWriteParameters& parameters [[buffer(3)]],
                             uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  const int size = parameters.part.head_size;
  if (column >= size) return;
  device const KeyWrite& write = writes[place.y];
  const long page = static_cast<long>(write.page) * parameters.part.page_floats;
  pages[page + parameters.part.index_floats + write.offset * size + column] =
      rows[static_cast<long>(write.row) * parameters.stride + parameters.key_column + column];
}

// The mean of the keys of each block that ends in this step. (column, block) in the grid.
kernel void average_keys(device const float* pages [[buffer(0)]],
                         device const int* page_numbers [[buffer(1)]],
                         device const BlockEnd* ends [[buffer(2)]], device float* means [[buffer(3)]],
                         constant IndexPart& part [[buffer(4)]], uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= part.head_size) return;
  device const BlockEnd& end = ends[place.y];
  float sum = 0.0f;
  for (int p = end.last_position - part.block + 1; p <= end.last_position; ++p) {
    const long page = page_numbers[end.first_page + p / kPositions];
    sum += pages[page * part.page_floats + part.index_floats + p % kPositions * part.head_size + column];
  }
  means[static_cast<long>(place.y) * part.head_size + column] = sum / static_cast<float>(part.block);
}

// (column, block) in the grid.
kernel void write_block_keys(device const float* keys [[buffer(0)]],
                             device const BlockEnd* ends [[buffer(1)]], device float* pages [[buffer(2)]],
                             constant IndexPart& part [[buffer(3)]],
                             uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= part.head_size) return;
  device const BlockEnd& end = ends[place.y];
  pages[block_key_place(part, end.page, end.last_position) + column] =
      keys[static_cast<long>(place.y) * part.head_size + column];
}

// What each block that is complete with a row is worth to it. (block, row) in the grid. A broken model's NaN
// is worth nothing, so that blocks have an order.
kernel void weigh_blocks(device const float* queries [[buffer(0)]], device const float* pages [[buffer(1)]],
                         device const int* positions [[buffer(2)]],
                         device const int* first_pages [[buffer(3)]],
                         device const int* page_numbers [[buffer(4)]], device float* worths [[buffer(5)]],
                         constant WeighParameters& parameters [[buffer(6)]],
                         uint3 place [[thread_position_in_grid]]) {
  const int block = static_cast<int>(place.x);
  constant IndexPart& part = parameters.part;
  if (block >= (positions[place.y] + 1) / part.block) return;
  const int last = (block + 1) * part.block - 1;
  const int page = page_numbers[first_pages[place.y] + last / kPositions];
  device const float* key = pages + block_key_place(part, page, last);
  device const float* query = queries + static_cast<long>(place.y) * parameters.stride;
  float sum = 0.0f;
  for (int h = 0; h < parameters.heads; ++h, query += part.head_size) {
    float one = 0.0f;
    for (int c = 0; c < part.head_size; ++c) one += query[c] * key[c];
    if (one > 0.0f) sum += one;
  }
  worths[static_cast<long>(place.y) * parameters.blocks + block] = sum;
}

// Whether fewer than so many complete blocks are better than each, ties to the first. (block, row) in the
// grid.
kernel void choose_blocks(device const float* worths [[buffer(0)]], device const int* positions [[buffer(1)]],
                          device int* chosen [[buffer(2)]],
                          constant ChooseParameters& parameters [[buffer(3)]],
                          uint3 place [[thread_position_in_grid]]) {
  const int block = static_cast<int>(place.x);
  const int complete = (positions[place.y] + 1) / parameters.block;
  if (block >= complete) return;
  const long row = static_cast<long>(place.y) * parameters.blocks;
  const float own = worths[row + block];
  int better = 0;
  for (int b = 0; b < complete; ++b) {
    const float other = worths[row + b];
    if (other > own || (other == own && b < block)) ++better;
  }
  chosen[row + block] = better < parameters.chosen ? 1 : 0;
}
