// Which keys the rows of a step attend to in layers with an index (IndexSpec), and the plan that follows: the
// keys of the index lie behind a layer's keys and values in its part of a page.
#pragma once

#include <span>
#include <vector>

#include "backends/cpu/attention_kinds.h"
#include "backends/cpu/workers.h"
#include "backends/engine/key_index.h"
#include "backends/engine/norm.h"

namespace sizeup::cpu {

struct IndexNorms {
  const Norm& query;
  const Norm& key;
};

class KeySelection {
 public:
  explicit KeySelection(Workers& workers) : workers_(workers) {}

  // Writes the keys of rows as in Device::select_keys; pages: one layer's part of each.
  void select(const Step& step, const AttentionKind& kind, const RotaryAngles& angles, const LaneRows& rows,
              std::span<std::byte* const> pages, const IndexNorms& norms);
  // Of the rows that were selected for last: the step's own where all see all.
  const AttentionPlan& plan(const Step& step, const AttentionKind& kind);

 private:
  Workers& workers_;
  std::vector<PositionRanges> seen_;  // by row
  AttentionPlan plan_;
};

}  // namespace sizeup::cpu
