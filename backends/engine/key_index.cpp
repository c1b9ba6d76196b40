#include "backends/engine/key_index.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sizeup {
namespace {

// Blocks that may end in one page.
int slots(const IndexSpec& spec) {
  return (kPagePositions + spec.block - 1) / spec.block;
}

// Of the block that ends at this position, in its page.
int slot_of(const IndexSpec& spec, int last) {
  const int begin = last / kPagePositions * kPagePositions;
  return last / spec.block - begin / spec.block;
}

// Some sums side by side, whatever the machine's vectors: one order everywhere.
float product(const float* a, const float* b, int size) {
  std::array<float, 8> sums{};
  const int whole = size / 8 * 8;
  for (int i = 0; i < whole; i += 8) {
    for (int l = 0; l < 8; ++l) sums[static_cast<size_t>(l)] += a[i + l] * b[i + l];
  }
  for (int i = whole; i < size; ++i) sums[static_cast<size_t>(i - whole)] += a[i] * b[i];
  float sum = 0.0F;
  for (const float part : sums) sum += part;
  return sum;
}

void append(PositionRange range, PositionRanges& ranges) {
  if (!ranges.empty() && ranges.back().end == range.first) {
    ranges.back().end = range.end;
  } else if (range.first < range.end) {
    ranges.push_back(range);
  }
}

}  // namespace

size_t index_page_floats(const IndexSpec& spec) {
  return static_cast<size_t>(kPagePositions + slots(spec)) * static_cast<size_t>(spec.head_size);
}

void KeyIndex::write(const float* key, const KeyValueWrite& write) const {
  const auto size = static_cast<size_t>(spec_.head_size);
  std::copy_n(key, size, page_of_(write.page) + static_cast<size_t>(write.offset) * size);
}

void KeyIndex::finish_block(const Step& step, const KeyValueWrite& write, const Norm& key_norm) const {
  const int last = step.positions[static_cast<size_t>(write.row)];
  if ((last + 1) % spec_.block != 0) return;
  const auto size = static_cast<size_t>(spec_.head_size);
  const auto table = step.table(step.tables[static_cast<size_t>(write.row)]);
  std::vector<float> mean(size, 0.0F);
  for (int p = last - spec_.block + 1; p <= last; ++p) {
    const float* key = page_of_(table[static_cast<size_t>(p / kPagePositions)]) +
                       static_cast<size_t>(p % kPagePositions) * size;
    for (size_t i = 0; i < size; ++i) mean[i] += key[i];
  }
  for (float& value : mean) value /= static_cast<float>(spec_.block);
  prepare(key_norm, last - spec_.block + 1, 1, mean.data());
  const auto slot = static_cast<size_t>(kPagePositions + slot_of(spec_, last));
  std::ranges::copy(mean, page_of_(write.page) + slot * size);
}

PositionRanges KeyIndex::choose(const Step& step, int row, const Norm& query_norm, float* queries) const {
  const int position = step.positions[static_cast<size_t>(row)];
  const int blocks = (position + 1) / spec_.block;
  if (blocks <= spec_.chosen) return {{0, position + 1}};
  prepare(query_norm, position, spec_.heads, queries);
  std::vector<std::pair<float, int>> worths;
  for (int b = 0; b < blocks; ++b) worths.emplace_back(worth(queries, block_key(step, row, b)), b);
  const auto end = worths.begin() + spec_.chosen;
  std::nth_element(worths.begin(), end, worths.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::sort(worths.begin(), end, [](const auto& a, const auto& b) { return a.second < b.second; });
  PositionRanges ranges;
  for (auto chosen = worths.begin(); chosen != end; ++chosen)
    append({chosen->second * spec_.block, (chosen->second + 1) * spec_.block}, ranges);
  append({blocks * spec_.block, position + 1}, ranges);
  return ranges;
}

float* KeyIndex::block_key(const Step& step, int row, int block) const {
  const int last = (block + 1) * spec_.block - 1;
  const int32_t page =
      step.table(step.tables[static_cast<size_t>(row)])[static_cast<size_t>(last / kPagePositions)];
  const auto slot = static_cast<size_t>(kPagePositions + slot_of(spec_, last));
  return page_of_(page) + slot * static_cast<size_t>(spec_.head_size);
}

// A broken model's NaN is worth nothing, so that blocks have an order.
float KeyIndex::worth(const float* queries, const float* key) const {
  float sum = 0.0F;
  for (int h = 0; h < spec_.heads; ++h, queries += spec_.head_size) {
    const float one = product(queries, key, spec_.head_size);
    if (one > 0.0F) sum += one;
  }
  return sum;
}

void KeyIndex::prepare(const Norm& norm, int position, int heads, float* values) const {
  for (int h = 0; h < heads; ++h) {
    float* head = values + h * spec_.head_size;
    const float square = product(head, head, spec_.head_size) / static_cast<float>(spec_.head_size);
    const float scale = 1.0F / std::sqrt(square + norm.epsilon);
    for (int i = 0; i < spec_.head_size; ++i) head[i] *= scale * norm.weight[static_cast<size_t>(i)];
  }
  rotate(rotary_, angles_.cosines(position), angles_.sines(position), values, heads, spec_.head_size);
}

}  // namespace sizeup
