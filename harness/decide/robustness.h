// What one model's scores on one task hang on besides the task: the way a document is asked, and the slice
// that it is in.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/statistics/slices.h"
#include "harness/statistics/variants.h"
#include "harness/store/read_outcomes.h"

namespace sizeup {

struct TaskRobustness {
  // Over the documents that have a score in every variant; `names` are those of its variants, the original
  // first. Nothing where the task has no variants, or no document all of them.
  std::optional<VariantSpread> variants;
  std::vector<std::string> names;
  std::optional<WorstSlice> worst;  // the variants are none of the slices
};

// Samples with the same document hash are about one document. Several in one variant or slice count as one,
// their mean.
TaskRobustness robustness_of(std::span<const OutcomeRow> samples,
                             const std::vector<std::string>& slice_fields);

}  // namespace sizeup
