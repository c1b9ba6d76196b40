// Attention of one row over its pages, merged page by page from position 0.
#pragma once

#include <optional>
#include <span>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/step.h"

namespace sizeup {

// How one layer's part of a page lies in memory: keys [kv_head][head_size][kPagePositions], so that a product
// with a query runs over positions; then values [kv_head][kPagePositions][head_size].
struct PageShape {
  int kv_heads = 0;
  int head_size = 0;

  explicit PageShape(const AttentionSpec& spec) : kv_heads(spec.kv_heads), head_size(spec.head_size) {}

  size_t half_floats() const {
    return static_cast<size_t>(kv_heads) * static_cast<size_t>(head_size) * kPagePositions;
  }
  size_t layer_floats() const { return 2 * half_floats(); }
};

void write_key_value(const PageShape& shape, const float* key, const float* value, int offset, float* page);

// `positions` keys and values from one page's layer to another's.
void copy_positions(const PageShape& shape, const float* from, int positions, float* to);

// One head of one query row.
struct HeadAttention {
  int kv_head = 0;
  const float* query = nullptr;
  std::span<const PositionRange> seen;       // in order
  std::optional<float> sink = std::nullopt;  // a score without a value
};
// pages[i] is the layer's part of the i-th page; those without a position that is seen are not read. out:
// head_size floats.
void attend(const AttentionSpec& spec, const HeadAttention& head, std::span<const float* const> pages,
            float* out);

}  // namespace sizeup
