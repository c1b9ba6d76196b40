// Attention over pages: the softmax of a row's scores and the mean of the values by it, merged page by page
// from the first that the row sees.
//
// A group of threads has a tile: rows side by side that continue one text, up to eight of their heads that
// share a key/value head. These lines are the rows of matrices whose columns are a page's positions, then a
// head's columns (matrices.h). A page is computed as a whole, and its positions that a line does not see
// weigh nothing: so no line's sums depend on the others, or on how a page came to be.
#include <metal_stdlib>

#include "backends/metal/kernels/matrices.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int attention_has_sinks [[function_constant(9)]];
constant int attention_caps [[function_constant(10)]];
constant int attention_chooses [[function_constant(15)]];  // blocks of positions

constant constexpr int kSimdgroups = kTileThreads / kSimdThreads;
constant constexpr int kOwnLines = kTileLines / kSimdgroups;         // of a simdgroup
constant constexpr int kPageParts = kPositions / kSimdThreads;       // positions of a page for each thread
constant constexpr int kScoreBlocks = kPositions / 8 / kSimdgroups;  // of a simdgroup
constant constexpr int kColumnTiles = kHeadColumns / kTileDepth;

// The lines of a tile: pairs of a row and one of the heads that share a key/value head.
struct Lines {
  int first_row;
  int first_head;
  int heads;
  int first;  // of the tile's pairs
  int count;
};
inline int row_of(Lines lines, int line) {
  return lines.first_row + (lines.first + line) / lines.heads;
}
inline int head_of(Lines lines, int line) {
  return lines.first_head + (lines.first + line) % lines.heads;
}

// What a row sees: positions [first, end), and of its complete blocks those that are chosen, where layers
// choose.
struct Sight {
  int first;
  int end;
  int complete;
  device const int* chosen;
};
inline Sight sight_of(int row, device const int* positions, device const int* chosen,
                      constant AttentionParameters& parameters) {
  const int end = positions[row] + 1;
  return {parameters.window == 0 ? 0 : max(0, end - parameters.window), end,
          attention_chooses ? end / parameters.block : 0,
          chosen + static_cast<long>(row) * parameters.blocks};
}
inline bool sees(Sight sight, int block, int position) {
  if (position < sight.first || position >= sight.end) return false;
  return !attention_chooses || position / block >= sight.complete || sight.chosen[position / block] != 0;
}
inline bool sees_page(Sight sight, int block, int page) {
  const int first = max(sight.first, page * kPositions);
  const int end = min(sight.end, (page + 1) * kPositions);
  if (first >= end || !attention_chooses) return first < end;
  for (int b = first / block; b * block < end; ++b) {
    if (sees(sight, block, max(first, b * block))) return true;
  }
  return false;
}

// Columns [first, first + kTileDepth) of the lines' queries; zeros where there are none.
template <class Floats>
inline void load_queries(device const float* queries, Lines lines, int first, uint index,
                         constant AttentionParameters& parameters, Floats to) {
  for (int i = static_cast<int>(index); i < kTileLines * kTileDepth; i += kTileThreads) {
    const int line = i / kTileDepth;
    const int column = first + i % kTileDepth;
    const bool present = line < lines.count && column < parameters.part.head_size;
    to[i] = present ? queries[static_cast<long>(row_of(lines, line)) * parameters.query_stride +
                              head_of(lines, line) * parameters.part.head_size + column]
                    : 0.0f;
  }
}

// Lines [first, first + kLines) of [line][column], kWidth columns from `column` on; zeros beyond `lines` and
// `columns`.
template <int kLines, int kWidth, class Floats>
inline void load_page(device const float* from, int first, int lines, int column, int columns, uint index,
                      Floats to) {
  for (int i = static_cast<int>(index); i < kLines * kWidth; i += kTileThreads) {
    const int line = first + i / kWidth;
    const int at = column + i % kWidth;
    to[i] = line < lines && at < columns ? from[line * columns + at] : 0.0f;
  }
}

// Of a line so far.
struct LineSum {
  float greatest;
  float total;
};

// The scores of a line's positions become weights; gives what its earlier sums are to be multiplied by. A
// simdgroup has a line.
template <class Floats>
inline float weigh_page(Floats scores, Sight sight, int page, uint lane,
                        constant AttentionParameters& parameters, thread LineSum& sum) {
  float own[kPageParts];
  float greatest = -INFINITY;
  for (int i = 0; i < kPageParts; ++i) {
    const int at = static_cast<int>(lane) + i * kSimdThreads;
    own[i] = -INFINITY;
    if (!sees(sight, parameters.block, page * kPositions + at)) continue;
    own[i] = scores[at] * parameters.scale;
    if (attention_caps) own[i] = parameters.cap * precise::tanh(own[i] / parameters.cap);
    greatest = max(greatest, own[i]);
  }
  greatest = max(sum.greatest, simd_greatest(greatest));
  float total = 0.0f;
  for (int i = 0; i < kPageParts; ++i) {
    const float weight = own[i] == -INFINITY ? 0.0f : precise::exp(own[i] - greatest);
    scores[static_cast<int>(lane) + i * kSimdThreads] = weight;
    total += weight;
  }
  // Exactly 1 where the page adds nothing, or nothing was seen so far.
  const float correction = greatest == sum.greatest ? 1.0f : precise::exp(sum.greatest - greatest);
  sum = {greatest, sum.total * correction + simd_total(total)};
  return correction;
}

// scores[line][position] of a page.
template <class Floats>
inline void score_page(device const float* queries, device const float* keys, Lines lines, uint index,
                       constant AttentionParameters& parameters, Floats query_tile, Floats page_tile,
                       Floats scores) {
  const int size = parameters.part.head_size;
  const uint lane = index % kSimdThreads;
  const int own_position = static_cast<int>(index) / kSimdThreads * kScoreBlocks * 8;
  MatrixBlock<1, kScoreBlocks> sums;
  clear_block(sums);
  for (int k = 0; k < size; k += kTileDepth) {
    load_queries(queries, lines, k, index, parameters, query_tile);
    load_page<kTileDepth, kPositions>(keys, k, size, 0, kPositions, index, page_tile);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    add_product<kTileDepth, kTileDepth, kPositions, 1>(query_tile, page_tile + own_position, lane, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  store_block(sums, scores + own_position, kPositions, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// Each line's sums times its correction, plus a page's values from a column on by their weights. `positions`
// of the page have values. scratch: 64 floats of the simdgroup's own.
template <class Floats>
inline void add_values(device const float* values, int positions, int first_column, int size, uint index,
                       Floats weights, Floats corrections, Floats page_tile, Floats scratch,
                       thread MatrixBlock<1, 1> (&sums)[kColumnTiles]) {
  const uint lane = index % kSimdThreads;
  const int own_column = static_cast<int>(index) / kSimdThreads * 8;  // of a tile
  bool corrects = false;
  for (int i = 0; i < kTileLines; ++i) corrects = corrects || corrections[i] != 1.0f;
  for (int i = 0; i < kColumnTiles; ++i) {
    const int column = first_column + i * kTileDepth;
    if (column >= size) break;
    load_page<kPositions, kTileDepth>(values, 0, positions, column, size, index, page_tile);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (corrects) scale_rows(corrections, lane, scratch, sums[i]);
    add_product<kPositions, kPositions, kTileDepth, 1>(weights, page_tile + own_column, lane, sums[i]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}

// The lines' sums divided by their totals, from a column on.
template <class Floats>
inline void write_lines(Lines lines, int first_column, uint index, constant AttentionParameters& parameters,
                        Floats totals, Floats scratch, thread MatrixBlock<1, 1> (&sums)[kColumnTiles],
                        device float* out) {
  const int size = parameters.part.head_size;
  const uint lane = index % kSimdThreads;
  const int line = row_in_matrix(lane);
  const int own_column = first_column + static_cast<int>(index) / kSimdThreads * 8 + column_in_matrix(lane);
  device float* to =
      out + (static_cast<long>(row_of(lines, line)) * parameters.heads + head_of(lines, line)) * size;
  for (int i = 0; i < kColumnTiles; ++i) {
    store_block(sums[i], scratch, 8, lane);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (int e = 0; e < 2; ++e) {
      const int column = own_column + i * kTileDepth + e;
      if (line < lines.count && column < size) to[column] = scratch[2 * lane + e] / totals[line];
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
}

// Lines of a tile and a range of columns: (kv head and part of the tile's lines, tile, range) in the grid.
// first_pages: where in `page_numbers` a row's table begins. chosen: for each row its complete blocks, where
// the layer chooses among them.
kernel void attention(device const float* queries [[buffer(0)]], device const float* pages [[buffer(1)]],
                      device const int* positions [[buffer(2)]], device const int* first_pages [[buffer(3)]],
                      device const int* page_numbers [[buffer(4)]], device const float* sinks [[buffer(5)]],
                      device const int* chosen [[buffer(6)]], device const AttentionTile* tiles [[buffer(7)]],
                      device float* out [[buffer(8)]], constant AttentionParameters& parameters [[buffer(9)]],
                      uint3 group [[threadgroup_position_in_grid]],
                      uint index [[thread_index_in_threadgroup]],
                      uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float query_tile[kTileLines * kTileDepth];
  threadgroup float page_tile[kPositions * kTileDepth];
  threadgroup float weights[kTileLines * kPositions];
  threadgroup float corrections[kTileLines];
  threadgroup float totals[kTileLines];
  threadgroup float scratch[kSimdgroups * 64];
  const int size = parameters.part.head_size;
  const int heads = parameters.heads / parameters.part.kv_heads;
  const int kv_head = static_cast<int>(group.x) / heads;
  const int first_line = static_cast<int>(group.x) % heads * kTileLines;
  const int count = min(static_cast<int>(kTileLines), tiles[group.y].rows * heads - first_line);
  if (count <= 0) return;
  const Lines lines = {tiles[group.y].first_row, kv_head * heads, heads, first_line, count};
  const int last_row = row_of(lines, count - 1);
  const int end = positions[last_row] + 1;
  const int first_column = static_cast<int>(group.z) * kHeadColumns;
  const uint lane = index % kSimdThreads;
  const int own_line = static_cast<int>(simdgroup) * kOwnLines;

  MatrixBlock<1, 1> sums[kColumnTiles];
  for (int i = 0; i < kColumnTiles; ++i) clear_block(sums[i]);
  LineSum line_sums[kOwnLines];
  for (int i = 0; i < kOwnLines; ++i) {
    line_sums[i].greatest = attention_has_sinks ? sinks[head_of(lines, own_line + i)] : -INFINITY;
    line_sums[i].total = attention_has_sinks ? 1.0f : 0.0f;
  }
  int page = sight_of(row_of(lines, 0), positions, chosen, parameters).first / kPositions;
  for (; page * kPositions < end; ++page) {
    bool any = false;
    for (int row = row_of(lines, 0); row <= last_row; ++row)
      any = any || sees_page(sight_of(row, positions, chosen, parameters), parameters.block, page);
    if (!any) continue;
    const long number = page_numbers[first_pages[lines.first_row] + page];
    device const float* keys = pages + number * parameters.part.page_floats + parameters.part.layer_floats +
                               kv_head * size * kPositions;
    device const float* values = keys + parameters.part.kv_heads * size * kPositions;
    score_page(queries, keys, lines, index, parameters, &query_tile[0], &page_tile[0], &weights[0]);
    for (int i = 0; i < kOwnLines; ++i) {
      const int line = own_line + i;
      Sight sight = {0, 0, 0, chosen};  // nothing
      if (line < count) sight = sight_of(row_of(lines, line), positions, chosen, parameters);
      const float correction =
          weigh_page(&weights[line * kPositions], sight, page, lane, parameters, line_sums[i]);
      if (lane == 0) corrections[line] = correction;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    add_values(values, min(static_cast<int>(kPositions), end - page * kPositions), first_column, size, index,
               &weights[0], &corrections[0], &page_tile[0], &scratch[simdgroup * 64], sums);
  }
  for (int i = 0; i < kOwnLines; ++i) {
    if (lane == 0) totals[own_line + i] = line_sums[i].total;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  write_lines(lines, first_column, index, parameters, &totals[0], &scratch[simdgroup * 64], sums, out);
}
