#include "backends/cpu/key_selection.h"

namespace sizeup::cpu {
namespace {

std::vector<float> values_of_row(const LaneRows& rows, int row, int first_column, int count) {
  std::vector<float> values(static_cast<size_t>(count));
  const float* from = rows.at(row / kLanes, first_column) + row % kLanes;
  for (size_t c = 0; c < values.size(); ++c) values[c] = from[c * kLanes];
  return values;
}

}  // namespace

void KeySelection::select(const Step& step, const AttentionKind& kind, const RotaryAngles& angles,
                          const LaneRows& rows, std::span<std::byte* const> pages, const IndexNorms& norms) {
  const IndexSpec& spec = *kind.spec.index;
  const size_t first = index_offset(*kind.family, kind.shape);
  const KeyIndex index(spec, *kind.spec.rotary, angles, [pages, first](int32_t page) {
    return reinterpret_cast<float*>(pages[static_cast<size_t>(page)] + first);
  });
  for (const KeyValueWrite& write : step.writes)
    index.write(values_of_row(rows, write.row, spec.query_width(), spec.head_size).data(), write);
  workers_.each_task(step.writes.size(),
                     [&](size_t w, int) { index.finish_block(step, step.writes[w], norms.key); });
  seen_.resize(static_cast<size_t>(rows.rows));
  workers_.each_task(seen_.size(), [&](size_t row, int) {
    std::vector<float> queries = values_of_row(rows, static_cast<int>(row), 0, spec.query_width());
    seen_[row] = index.choose(step, static_cast<int>(row), norms.query, queries.data());
  });
}

const AttentionPlan& KeySelection::plan(const Step& step, const AttentionKind& kind) {
  bool all = true;
  for (size_t row = 0; row < seen_.size(); ++row)
    all = all && seen_[row] == PositionRanges{{0, step.positions[row] + 1}};
  if (all) return kind.plan;
  plan_ = plan_ranges(step, kind.shape, seen_);
  return plan_;
}

}  // namespace sizeup::cpu
