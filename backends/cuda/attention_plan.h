// Which block attends for which rows to which pages: made on the host from a step, the same for all layers
// that attend in the same way. Plain integers; no bit of a result depends on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/cuda/attention_index.h"

namespace sizeup::cuda {

// What a plan is made for.
struct PlanShape {
  int heads = 0;
  int kv_heads = 0;
  int window = 0;        // as in AttentionSpec
  int narrow_lanes = 0;  // of a block of the kernel for few lanes
  int wide_lanes = 0;    // of a block of that for many

  int group() const { return heads / kv_heads; }
  bool operator==(const PlanShape&) const = default;
};

struct PlanLimits {
  int multiprocessors = 1;
  int64_t slots = 0;  // states of a row, all heads, that there is room for
};

// Where a plan's parts lie in its words, and how many of each there are.
struct PlanParts {
  int narrow_items = 0;  // items: the narrow ones, then the wide ones, each with the longest first
  int wide_items = 0;
  int merged_rows = 0;  // rows whose states are merged in the end
  int64_t slots = 0;    // used
};

// A plan on the device, or on the host.
struct PlanView {
  PlanParts parts;
  const AttentionItem* items = nullptr;
  const RowStates* states = nullptr;  // of each row; nullptr: there is no state
  const int32_t* merged_rows = nullptr;
};

class AttentionPlan {
 public:
  AttentionPlan() = default;
  AttentionPlan(const Step& step, const PlanShape& shape, const PlanLimits& limits);

  const PlanParts& parts() const { return parts_; }
  // To be copied to the device as they are.
  std::span<const int32_t> words() const { return words_; }
  // `words` is this plan's words or their copy.
  PlanView view(const int32_t* words) const;

 private:
  PlanParts parts_;
  int rows_ = 0;  // with states
  std::vector<int32_t> words_;
};

}  // namespace sizeup::cuda
