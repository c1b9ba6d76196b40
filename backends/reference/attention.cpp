#include "backends/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/reference/exponential.h"
#include "backends/reference/row_operations.h"

namespace sizeup {
namespace {

using Lanes = float __attribute__((vector_size(16)));
constexpr int kLanes = 4;
// Scores computed together: one cache line of keys. A page whose row sees few positions costs only the blocks
// that it sees.
constexpr int kBlockPositions = 16;
constexpr int kVectors = kBlockPositions / kLanes;
static_assert(kPagePositions % kBlockPositions == 0);

int whole_blocks(int positions) {
  return (positions + kBlockPositions - 1) / kBlockPositions * kBlockPositions;
}

// query . key for every position of a block; those beyond the row's own are computed and then ignored.
void block_scores(const float* query, const float* keys, int head_size, float* scores) {
  Lanes sums[kVectors] = {};
  for (int d = 0; d < head_size; ++d) {
    Lanes column[kVectors];
    std::memcpy(column, keys + static_cast<size_t>(d) * kPagePositions, sizeof column);
    for (int v = 0; v < kVectors; ++v) sums[v] += query[d] * column[v];
  }
  std::memcpy(scores, sums, sizeof sums);
}

// What is seen of a page, counted from its first position.
struct PageRanges {
  int index = 0;
  PositionRanges seen = {};
};

std::vector<PageRanges> by_page(std::span<const PositionRange> ranges) {
  std::vector<PageRanges> pages;
  for (const PositionRange& range : ranges) {
    for (int index = range.first / kPagePositions; index * kPagePositions < range.end; ++index) {
      const int begin = index * kPagePositions;
      if (pages.empty() || pages.back().index != index) pages.push_back({.index = index});
      pages.back().seen.push_back(
          {std::max(0, range.first - begin), std::min(kPagePositions, range.end - begin)});
    }
  }
  return pages;
}

template <class Body>
void each_position(const PositionRanges& ranges, const Body& body) {
  for (const PositionRange& range : ranges) {
    for (int p = range.first; p < range.end; ++p) body(p);
  }
}

}  // namespace

void write_key_value(const PageShape& shape, const float* key, const float* value, int offset, float* page) {
  float* values = page + shape.half_floats();
  const auto size = static_cast<size_t>(shape.head_size);
  for (size_t head = 0; head < static_cast<size_t>(shape.kv_heads); ++head) {
    for (size_t d = 0; d < size; ++d) {
      page[(head * size + d) * kPagePositions + static_cast<size_t>(offset)] = key[head * size + d];
    }
    std::copy_n(value + head * size, size,
                values + (head * kPagePositions + static_cast<size_t>(offset)) * size);
  }
}

void copy_positions(const PageShape& shape, const float* from, int positions, float* to) {
  const auto count = static_cast<size_t>(positions);
  for (size_t row = 0; row < shape.half_floats(); row += kPagePositions) {
    std::copy_n(from + row, count, to + row);
  }
  const auto size = static_cast<size_t>(shape.head_size);
  for (size_t start = shape.half_floats(); start < shape.layer_floats(); start += kPagePositions * size) {
    std::copy_n(from + start, count * size, to + start);
  }
}

void attend(const AttentionSpec& spec, const HeadAttention& head, std::span<const float* const> pages,
            float* out) {
  const PageShape shape(spec);
  const int size = spec.head_size;
  const size_t head_floats = static_cast<size_t>(size) * kPagePositions;
  const float scale = spec.score_scale();
  float maximum = head.sink.value_or(-std::numeric_limits<float>::infinity());
  float sum = head.sink ? 1.0F : 0.0F;
  std::fill_n(out, size, 0.0F);
  for (const auto& [index, seen] : by_page(head.seen)) {
    const float* page = pages[static_cast<size_t>(index)];
    const float* keys = page + static_cast<size_t>(head.kv_head) * head_floats;
    const float* values = keys + shape.half_floats();

    float weights[kPagePositions];
    const int computed = whole_blocks(seen.back().end);
    for (int p = 0; p < computed; p += kBlockPositions) block_scores(head.query, keys + p, size, weights + p);
    for (int p = 0; p < computed; ++p) {
      weights[p] *= scale;
      if (spec.score_cap != 0.0F) weights[p] = capped(weights[p], spec.score_cap);
    }
    float new_maximum = maximum;
    each_position(seen, [&](int p) { new_maximum = std::max(new_maximum, weights[p]); });
    for (int p = 0; p < computed; ++p) weights[p] = exponential(weights[p] - new_maximum);

    const float correction = exponential(maximum - new_maximum);
    sum *= correction;
    each_position(seen, [&](int p) { sum += weights[p]; });
    for (int d = 0; d < size; ++d) out[d] *= correction;
    each_position(seen, [&](int p) {
      const float* value = values + static_cast<size_t>(p) * static_cast<size_t>(size);
      for (int d = 0; d < size; ++d) out[d] += weights[p] * value[d];
    });
    maximum = new_maximum;
  }
  for (int d = 0; d < size; ++d) out[d] /= sum;
}

}  // namespace sizeup
