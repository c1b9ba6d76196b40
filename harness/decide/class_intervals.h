// Intervals of per-class metrics from counts.
#pragma once

#include <span>
#include <vector>

#include "harness/decide/evidence.h"
#include "harness/store/read_outcomes.h"

namespace sizeup {

// Whether the task has a result that use_class_counts improves.
bool has_class_metrics(const EvidenceTask& task);

// recall:X, false_negative_rate:X and precision:X are shares of the samples of the class (of those given its
// name): Wilson's interval over these, and their number as n, in place of the stored ones from resampling
// all samples, which have no width where every answer is right. labels[i] belongs to task.samples[i].
void use_class_counts(std::span<const ClassRow> labels, EvidenceTask& task);

}  // namespace sizeup
