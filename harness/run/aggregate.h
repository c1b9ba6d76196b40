// The results of an evaluation: every metric with its 95 % interval, overall and by slice, and the rates.
#pragma once

#include <span>
#include <vector>

#include "harness/store/read.h"
#include "tasks/task.h"

namespace sizeup {

// The names of the rates that every evaluation has beside its task's metrics, in the order of the reports.
inline constexpr const char* kNoAnswerRate = "no_answer_rate";   // the filters found nothing
inline constexpr const char* kInvalidRate = "invalid_rate";      // an answer that is no label
inline constexpr const char* kTruncatedRate = "truncated_rate";  // context or answer did not fit
inline constexpr const char* kErrorRate = "error_rate";          // the request failed

// Beside them where rows of the data were left out: how many, no rate; n is the samples that there are.
inline constexpr const char* kBadRows = "bad_rows";

// `slices` are those of `answers` (by sample id); none where the task has no slice fields. Failed samples
// count in error_rate only. Means: Wilson for 0/1 values, else Student-t. Set metrics: percentile bootstrap
// with a fixed seed; what is a share of some of the samples (recall of a class): Wilson over these, which are
// the row's n.
std::vector<ResultRow> aggregate(const Task& task, std::span<const AnswerRow> answers,
                                 std::span<const SampleSlices> slices);

}  // namespace sizeup
