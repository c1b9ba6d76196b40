// What kernels of attention, their plan and tests share: what an item is, how lanes and chunks are numbered
// and how states are merged.
//
// Arithmetic of one lane, a query head of a row, whatever its neighbours: positions are cut into chunks of
// kChunkPages pages. Within a chunk, page after page,
//   s = query * key [* scale, capped]; t = greatest s * scale * log2(e) of the page, rounded up
//   m' = max(m, t); sum and output *= 2^(m - m'); p = 2^(s * scale * log2(e) - m'); sum += p; output += p v;
//   m = m'
// from m = -inf, and the states (m, sum, output) of chunks are folded from the first to the last. m is whole,
// so that all factors are powers of two and rescaling is exact. Who sees no key of a page or chunk is left as
// it was. Chunks of a row may be computed by one block, one after the other, or each by another.
#pragma once

#include <cmath>
#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/engine/step.h"

namespace sizeup::cuda {

// 256 positions: 3 % more traffic for the states of chunks at 256 streams of 1,000 positions (128-wide heads
// in groups of four), and 32 blocks for one such stream of 8 key/value heads. It fixes bits.
inline constexpr int kChunkPages = 4;

SIZEUP_HOST_DEVICE constexpr int chunk_of_page(int page_index) {
  return page_index / kChunkPages;
}

// The first position that a row sees.
SIZEUP_HOST_DEVICE constexpr int first_seen(int position, int window) {
  return window == 0 || position < window ? 0 : position - window + 1;
}

// Where the result of an item goes.
enum class ItemResult : int32_t {
  output,  // the item has all pages of its rows
  folded,  // to the first slot of each row: the item begins with the first chunk that its rows see
  chunks,  // to one slot for every chunk that a row sees
};

// Work of one block, for each key/value head. Lane l of the item is row first_row + (first_lane + l) / group
// and head (first_lane + l) % group of the key/value head.
struct AttentionItem {
  int32_t first_row = 0;
  int32_t first_lane = 0;
  int32_t lanes = 0;
  int32_t first_page = 0;  // its index in tables: it holds positions from first_page * kPagePositions on
  int32_t pages = 0;
  int32_t page_begin = 0;  // Step::pages[page_begin] is the first page
  int32_t key_begin = 0;   // positions [key_begin, key_end) are seen by some row, of those of the pages
  int32_t key_end = 0;
  int32_t common_begin = 0;  // and [common_begin, common_end) by all rows; may be empty
  int32_t common_end = 0;
  ItemResult result = ItemResult::output;
  int32_t padding = 0;
};
static_assert(sizeof(AttentionItem) == 48);

SIZEUP_HOST_DEVICE constexpr int lane_row(const AttentionItem& item, int lane, int group) {
  return item.first_row + (item.first_lane + lane) / group;
}
SIZEUP_HOST_DEVICE constexpr int lane_head(const AttentionItem& item, int lane, int group) {
  return (item.first_lane + lane) % group;
}

// Where the states of a row lie that several items compute.
struct RowStates {
  int32_t first_slot = 0;
  int32_t first_chunk = 0;  // its state has the first slot, and those of chunks before it are folded into it
  int32_t slots = 0;        // 0: an item writes the output
};

SIZEUP_HOST_DEVICE constexpr int state_slot(const RowStates& states, int chunk) {
  return states.first_slot + (chunk > states.first_chunk ? chunk - states.first_chunk : 0);
}

// Floats of one lane's state: its outputs, padded to whole pieces, m, the sum and two unused.
SIZEUP_HOST_DEVICE constexpr int state_columns(int head_size) {
  return (head_size + 3) / 4 * 4;
}
SIZEUP_HOST_DEVICE constexpr int state_floats(int head_size) {
  return state_columns(head_size) + 4;
}

// A level is m: whole, or -inf before anything was seen. States reach a new level by these factors.
SIZEUP_HOST_DEVICE inline float level_exponent(float score, float level) {
  return level == -INFINITY ? score : score - level;
}
SIZEUP_HOST_DEVICE inline float level_factor(float from, float to) {
  return exp2f(level_exponent(from, to));
}

// What one more chunk, or a sink, does to a value of the state before it.
SIZEUP_HOST_DEVICE inline float folded(float before, float before_factor, float chunk, float chunk_factor) {
#ifdef __CUDA_ARCH__
  return __fmaf_rn(chunk, chunk_factor, __fmul_rn(before, before_factor));
#else
  return std::fma(chunk, chunk_factor, before * before_factor);
#endif
}

}  // namespace sizeup::cuda
