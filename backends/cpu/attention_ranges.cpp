#include <algorithm>

#include "backends/cpu/attention.h"

namespace sizeup::cpu {
namespace {

// Of the first `lanes` lanes, which see [from, to) of the page; empty ones see all.
LaneBounds bounds_of(int lanes, int32_t from, int32_t to) {
  LaneBounds bounds;
  std::fill_n(bounds.from, kBlockLanes, 0);
  std::fill_n(bounds.to, kBlockLanes, kPagePositions);
  std::fill_n(bounds.from, lanes, from);
  std::fill_n(bounds.to, lanes, to);
  return bounds;
}

class RangePlanner {
 public:
  RangePlanner(const Step& step, const AttentionShape& shape) : step_(step), shape_(shape) {}

  void add(int32_t row, const PositionRanges& seen) {
    for (int head = 0; head < shape_.group(); head += kLanes) {
      const int lanes = std::min(kLanes, shape_.group() - head);
      AttentionTile tile;
      std::fill_n(tile.rows, kLanes, -1);
      std::fill_n(tile.rows, lanes, row);
      for (int lane = 0; lane < lanes; ++lane) tile.heads[lane] = head + lane;
      AttentionBlock block{.first_tile = static_cast<int32_t>(plan_.tiles.size()),
                           .tiles = 1,
                           .first_visit = static_cast<int32_t>(plan_.visits.size())};
      plan_.tiles.push_back(tile);
      for (const PositionRange& range : seen) visit(row, range, lanes);
      block.end_visit = static_cast<int32_t>(plan_.visits.size());
      plan_.blocks.push_back(block);
    }
  }

  AttentionPlan take() { return std::move(plan_); }

 private:
  void visit(int32_t row, const PositionRange& range, int lanes) {
    const auto table = step_.table(step_.tables[static_cast<size_t>(row)]);
    for (int index = range.first / kPagePositions; index * kPagePositions < range.end; ++index) {
      const int32_t from = std::max(0, range.first - index * kPagePositions);
      const int32_t to = std::min(kPagePositions, range.end - index * kPagePositions);
      plan_.visits.push_back({.page = table[static_cast<size_t>(index)],
                              .keys = to,
                              .first_tile = 0,
                              .tiles = 1,
                              .common_from = from,
                              .common_to = to});
      if (from == 0) continue;
      plan_.visits.back().bounds = static_cast<int32_t>(plan_.bounds.size());
      plan_.bounds.push_back(bounds_of(lanes, from, to));
    }
  }

  const Step& step_;
  const AttentionShape& shape_;
  AttentionPlan plan_;
};

}  // namespace

AttentionPlan plan_ranges(const Step& step, const AttentionShape& shape,
                          std::span<const PositionRanges> seen) {
  RangePlanner planner(step, shape);
  for (int32_t row = 0; row < step.rows(); ++row) planner.add(row, seen[static_cast<size_t>(row)]);
  return planner.take();
}

}  // namespace sizeup::cpu
