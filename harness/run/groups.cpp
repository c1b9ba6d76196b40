#include "harness/run/groups.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/statistics/interval.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

// "exact_match,strict-match" for a task with several filters, "exact_match" for one with at most one.
bool matches(const std::string& name, const GroupMetric& wanted) {
  if (name == wanted.metric) return true;
  if (!name.starts_with(wanted.metric + ",")) return false;
  const std::string filter = name.substr(wanted.metric.size() + 1);
  return wanted.filters.empty() ||
         std::find(wanted.filters.begin(), wanted.filters.end(), filter) != wanted.filters.end();
}

const ResultRow* find_result(const GroupTask& task, const std::string& metric) {
  for (const ResultRow& result : task.results) {
    if (result.metric == metric && result.slice_field.empty()) return &result;
  }
  return nullptr;
}

// Nothing where the harness says "N/A".
std::optional<double> error_of(const GroupTask& task, const std::string& metric) {
  for (const MetricRow& row : task.metrics) {
    if (row.name == metric && !row.is_mean) return std::nullopt;
  }
  std::vector<double> values;
  for (const AnswerRow& answer : task.answers) {
    const auto score = answer.scores.find(metric);
    if (!answer.error && score != answer.scores.end() && !std::isnan(score->second))
      values.push_back(score->second);
  }
  if (values.size() < 2) return std::nullopt;
  return standard_error(values);
}

// What the group's interval is made of: one sample says nothing of its spread, and weighs nothing in the
// pooled error.
GroupMember member_of(const GroupTask& task, const ResultRow& result) {
  const bool is_mean = std::none_of(task.metrics.begin(), task.metrics.end(), [&](const MetricRow& row) {
    return row.name == result.metric && !row.is_mean;
  });
  return {result.value, error_of(task, result.metric).value_or(is_mean ? 0.0 : kNoNumber), result.n};
}

// Where no member's scores vary, t gives a width of zero, which would claim certainty.
void widen_if_constant(std::span<const GroupMember> members, Estimate& estimate) {
  if (!(estimate.lo == estimate.hi)) return;
  estimate.lo = kNoNumber;
  estimate.hi = kNoNumber;
  const bool same = std::all_of(members.begin(), members.end(),
                                [&](const GroupMember& member) { return member.value == estimate.value; });
  if (!same || estimate.value < 0 || estimate.value > 1) return;
  const Interval interval = constant_interval(estimate.value, estimate.n, 0, 1);
  estimate.lo = interval.lo;
  estimate.hi = interval.hi;
}

ResultRow row_of(const std::string& metric, const Estimate& estimate) {
  ResultRow row;
  row.metric = metric;
  row.value = estimate.value;
  row.n = estimate.n;
  if (estimate.has_interval()) {
    row.lo = estimate.lo;
    row.hi = estimate.hi;
  }
  return row;
}

}  // namespace

std::vector<GroupRow> group_results(const TaskGroup& group, std::span<const GroupTask* const> members) {
  std::vector<GroupRow> rows;
  for (const GroupMetric& wanted : group.metrics) {
    std::vector<std::string> names;
    for (const GroupTask* task : members) {
      for (const MetricRow& metric : task->metrics) {
        const bool known = std::find(names.begin(), names.end(), metric.name) != names.end();
        if (!known && matches(metric.name, wanted)) names.push_back(metric.name);
      }
    }
    for (const std::string& name : names) {
      std::vector<GroupMember> counted;
      bool has_errors = true;
      for (const GroupTask* task : members) {
        const ResultRow* result = find_result(*task, name);
        if (result == nullptr || std::isnan(result->value)) continue;
        counted.push_back(member_of(*task, *result));
        has_errors &= error_of(*task, name).has_value();
      }
      Estimate estimate =
          wanted.weight_by_size ? group_estimate(counted) : unweighted_group_estimate(counted);
      widen_if_constant(counted, estimate);
      if (estimate.n == 0) continue;
      GroupRow& row = rows.emplace_back();
      row.result = row_of(name, estimate);
      if (has_errors)
        row.standard_error = wanted.weight_by_size ? pooled_error(counted) : unweighted_error(counted);
    }
  }
  return rows;
}

Result<void> finish_groups(const RunPlan& plan, Store& store) {
  if (plan.groups.empty()) return {};
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, plan.run.id);
  if (!evaluations) return forward_error(evaluations);
  std::vector<GroupRow> rows;
  for (const LoadedModel& model : plan.models) {
    std::map<std::string, GroupTask> tasks;
    int64_t model_id = 0;
    for (const EvaluationRow& evaluation : *evaluations) {
      if (evaluation.model.name != model.row.name || evaluation.scenario != "offline") continue;
      model_id = evaluation.model.id;
      Result<std::vector<ResultRow>> results = read_results(store, evaluation.id);
      if (!results) return forward_error(results);
      Result<std::vector<AnswerRow>> answers = read_answers(store, evaluation.id, Texts::leave_out);
      if (!answers) return forward_error(answers);
      tasks[evaluation.task.name] = {evaluation.task.metrics, std::move(*results), std::move(*answers)};
    }
    for (const TaskGroup& group : plan.groups) {
      std::vector<const GroupTask*> members;
      for (const size_t task : group.tasks) members.push_back(&tasks[plan.tasks[task].row.name]);
      for (GroupRow& row : group_results(group, members)) {
        row.model.id = model_id;
        row.name = group.name;
        row.version = group.version;
        row.depth = group.depth;
        row.tasks = static_cast<int64_t>(members.size());
        rows.push_back(std::move(row));
      }
    }
  }
  return store.store_groups(plan.run.id, rows);
}

}  // namespace sizeup
