// Two models' evidence against each other: per task, by slice and overall, with the samples that flipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/decide/evidence.h"
#include "harness/decide/pairs.h"

namespace sizeup {

// The samples that both sides have a score for, in the candidate's order.
struct PairedTask {
  Pairs pairs;
  std::vector<const EvidenceSample*> candidate;  // of the pairs
  std::vector<const EvidenceSample*> baseline;
};

// bad_input where the two were asked different things: other definition, data, protocol or number of
// examples, or no sample with a score in common. Says which task, what differs, and what to do.
Result<PairedTask> pair_task(const Evidence& candidate, const Evidence& baseline, const std::string& task);

// The slices of paired samples by the task's fields.
std::vector<SlicePairs> slices_of(const PairedTask& paired, const std::vector<std::string>& fields);

struct SliceComparison {
  std::string field;
  std::string value;
  Difference difference;
};

// A sample that one model gets right, or more right, and the other does not.
struct Flip {
  std::string document_id;
  double candidate = 0.0;  // scores
  double baseline = 0.0;
  int64_t candidate_sample = 0;  // in the stores; 0: from a file
  int64_t baseline_sample = 0;
};

struct TaskComparison {
  std::string task;
  std::string metric;
  int64_t evaluation_of_candidate = 0;  // in the stores; 0: from a file
  int64_t evaluation_of_baseline = 0;
  Difference difference;
  std::vector<SliceComparison> slices;
  std::vector<Flip> flips;  // where the candidate lost first, each half in the order of the data
};

struct Comparison {
  std::vector<TaskComparison> tasks;
  std::optional<Difference> overall;  // over all of them, where there is more than one
  OverallVerdict verdict;
  std::vector<std::string> notes;  // what was left out and why, what else differs
};

// `tasks` empty: every task that both sides have. A task without a score that can be compared is left out
// with a note. usage error for a task that a side lacks; bad_input where nothing is left to compare.
Result<Comparison> compare(const Evidence& candidate, const Evidence& baseline,
                           const std::vector<std::string>& tasks, double margin);

}  // namespace sizeup
