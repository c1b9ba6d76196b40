// Attention over pages: the softmax of a row's scores and the mean of the values by it, merged page by page
// from the first position that the row sees.
//
// A simdgroup has one head of one row. Its threads are positions while it computes scores, of which each sums
// over the columns in order, and columns while it adds values, of which each sums over the positions in
// order: so no sum depends on another row or on how a page came to be.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int attention_has_sinks [[function_constant(9)]];
constant int attention_caps [[function_constant(10)]];
constant int attention_chooses [[function_constant(15)]];  // blocks of positions

constant constexpr int kPageParts = kPositions / kSimdThreads;       // positions of a page for each thread
constant constexpr int kHeadColumns = kGreatestHead / kSimdThreads;  // columns of a head, at most

// Whether a row sees one of its complete blocks, of which it may have chosen some, or what follows them.
inline bool sees_block(device const int* chosen, int block, int complete) {
  return block >= complete || chosen[block] != 0;
}

// (head, row) in the grid. first_pages: where in `page_numbers` a row's table begins. chosen: for each row
// its complete blocks, where the layer chooses among them.
kernel void attention(device const float* queries [[buffer(0)]], device const float* pages [[buffer(1)]],
                      device const int* positions [[buffer(2)]], device const int* first_pages [[buffer(3)]],
                      device const int* page_numbers [[buffer(4)]], device const float* sinks [[buffer(5)]],
                      device const int* chosen [[buffer(6)]], device float* out [[buffer(7)]],
                      constant AttentionParameters& parameters [[buffer(8)]],
                      uint3 group [[threadgroup_position_in_grid]],
                      uint index [[thread_index_in_threadgroup]]) {
  threadgroup float query[kGreatestHead];
  threadgroup float weights[kPositions];
  const int size = parameters.part.head_size;
  const int head = static_cast<int>(group.x);
  const int kv_head = head / (parameters.heads / parameters.part.kv_heads);
  const int thread_index = static_cast<int>(index);
  device const float* from = queries + static_cast<long>(group.y) * parameters.query_stride + head * size;
  for (int c = thread_index; c < size; c += kSimdThreads) query[c] = from[c];
  simdgroup_barrier(mem_flags::mem_threadgroup);

  float sums[kHeadColumns];
  for (int i = 0; i < kHeadColumns; ++i) sums[i] = 0.0f;
  float greatest = attention_has_sinks ? sinks[head] : -INFINITY;
  float total = attention_has_sinks ? 1.0f : 0.0f;
  const int end = positions[group.y] + 1;
  const int first = parameters.window == 0 ? 0 : max(0, end - parameters.window);
  const int block = parameters.block;
  const int complete = attention_chooses ? end / block : 0;
  device const int* row_chosen = chosen + static_cast<long>(group.y) * parameters.blocks;
  for (int page = first / kPositions; page * kPositions < end; ++page) {
    if (attention_chooses) {
      bool any = false;
      const int page_end = min((page + 1) * kPositions, end);
      for (int b = page * kPositions / block; b * block < page_end; ++b)
        any = any || sees_block(row_chosen, b, complete);
      if (!any) continue;
    }
    const int seen = max(0, first - page * kPositions);  // of the page: positions [seen, seen_end)
    const int seen_end = min(static_cast<int>(kPositions), end - page * kPositions);
    const long number = page_numbers[first_pages[group.y] + page];
    device const float* keys = pages + number * parameters.part.page_floats + parameters.part.layer_floats +
                               kv_head * size * kPositions;
    device const float* values = keys + parameters.part.kv_heads * size * kPositions;

    float scores[kPageParts];
    float page_greatest = -INFINITY;
    for (int i = 0; i < kPageParts; ++i) {
      const int position = thread_index + i * kSimdThreads;
      scores[i] = -INFINITY;
      if (position < seen || position >= seen_end) continue;
      if (attention_chooses && !sees_block(row_chosen, (page * kPositions + position) / block, complete))
        continue;
      float score = 0.0f;
      for (int c = 0; c < size; ++c) score += query[c] * keys[c * kPositions + position];
      score *= parameters.scale;
      if (attention_caps) score = parameters.cap * precise::tanh(score / parameters.cap);
      scores[i] = score;
      page_greatest = max(page_greatest, score);
    }
    const float new_greatest = max(greatest, simd_greatest(page_greatest));
    for (int i = 0; i < kPageParts; ++i)
      weights[thread_index + i * kSimdThreads] = precise::exp(scores[i] - new_greatest);
    simdgroup_barrier(mem_flags::mem_threadgroup);

    const float correction = precise::exp(greatest - new_greatest);
    total *= correction;
    for (int p = seen; p < seen_end; ++p) total += weights[p];
    for (int i = 0; i < kHeadColumns; ++i) {
      const int column = thread_index + i * kSimdThreads;
      if (column >= size) break;
      float sum = sums[i] * correction;
      for (int p = seen; p < seen_end; ++p) sum += weights[p] * values[p * size + column];
      sums[i] = sum;
    }
    greatest = new_greatest;
    simdgroup_barrier(mem_flags::mem_threadgroup);  // before the next page's weights
  }
  device float* to = out + (static_cast<long>(group.y) * parameters.heads + head) * size;
  for (int i = 0; i < kHeadColumns; ++i) {
    const int column = thread_index + i * kSimdThreads;
    if (column < size) to[column] = sums[i] / total;
  }
}
