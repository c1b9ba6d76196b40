// The results of groups of tasks, from those of their members.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "harness/run/plan_run.h"
#include "harness/store/records.h"
#include "harness/store/store.h"
#include "tasks/selection.h"

namespace sizeup {

// One model on one member.
struct GroupTask {
  std::span<const MetricRow> metrics;
  std::vector<ResultRow> results;  // of the whole task, without slices
  std::vector<AnswerRow> answers;  // for the standard errors
};

// Every metric of the group's aggregate_metric_list: the mean over the members that have it, weighted by
// their sizes unless it says otherwise, with lm-evaluation-harness's standard error and a Student-t interval.
// A member whose metric is no mean over samples leaves the group without an interval. What is not the result
// or its standard error is left empty.
std::vector<GroupRow> group_results(const TaskGroup& group, std::span<const GroupTask* const> members);

// Puts the results of the plan's groups into the store, for every model.
Result<void> finish_groups(const RunPlan& plan, Store& store);

}  // namespace sizeup
