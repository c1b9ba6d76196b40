// A gate's rules with `pool`: the samples of several tasks judged together, as one task.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "harness/decide/comparison.h"
#include "harness/decide/gate_lines.h"

namespace sizeup {
namespace {

bool fits(const std::string& pattern, const std::string& task) {
  return fnmatch(pattern.c_str(), task.c_str(), 0) == 0;
}

// Every task of either side, finished or not: what one of them left out must not pass in silence.
std::set<std::string> known_tasks(const GateInput& input) {
  std::set<std::string> names;
  for (const Evidence* side : {&input.candidate, input.baseline}) {
    if (side == nullptr) continue;
    for (const EvidenceTask& task : side->tasks) names.insert(task.name);
    names.insert(side->unfinished.begin(), side->unfinished.end());
  }
  return names;
}

Result<std::vector<std::string>> pooled_tasks(const GateInput& input, const Rule& rule) {
  const std::set<std::string> known = known_tasks(input);
  for (const std::string& pattern : rule.pool) {
    const auto fitting = [&](const std::string& task) { return fits(pattern, task); };
    if (std::any_of(known.begin(), known.end(), fitting)) continue;
    return bad_input(rule.place, fmt::format("no task fits '{}'", pattern),
                     fmt::format("one of the tasks: {}", fmt::join(known, ", ")),
                     "run the candidate on it, or correct the policy");
  }
  std::vector<std::string> names;
  for (const std::string& task : known) {
    if (is_in_pool(rule, task)) names.push_back(task);
  }
  return names;
}

// "run:model has not answered all of a, b", or nothing.
std::string missing_in(const Evidence& side, const std::vector<std::string>& tasks) {
  std::vector<std::string_view> missing;
  for (const std::string& task : tasks) {
    if (side.find(task) == nullptr) missing.push_back(task);
  }
  if (missing.empty()) return {};
  return fmt::format("{} has not answered all of {}", side.label(), fmt::join(missing, ", "));
}

Result<void> compare_pool(const GateInput& input, const Rule& rule, const NonInferiorCheck& check,
                          const std::vector<std::string>& tasks, GateLine& line) {
  Result<const Evidence*> baseline = required_baseline(input, rule);
  if (!baseline) return forward_error(baseline);
  line.finding = missing_in(**baseline, tasks);
  if (!line.finding.empty()) return {};
  Pairs pairs;
  for (const std::string& task : tasks) {
    Result<PairedTask> paired = pair_task(input.candidate, **baseline, task);
    if (!paired) return forward_error(paired);
    if (paired->pairs.empty()) {
      return bad_input(rule.place, fmt::format("task '{}' has no score of single samples in 0..1", task),
                       "a pool of tasks that have one", "leave it out of the pool");
    }
    pairs.append(paired->pairs);
  }
  conclude(non_inferiority(paired_difference(pairs), check.margin), line);
  return {};
}

Result<void> measure_pool(const GateInput& input, const Rule& rule, const MetricCheck& check,
                          const std::vector<std::string>& tasks, GateLine& line) {
  std::vector<double> values;
  for (const std::string& name : tasks) {
    const EvidenceTask& task = *input.candidate.find(name);
    if (!is_mean_of_samples(task, check.metric)) {
      return bad_input(
          rule.place, fmt::format("'{}' of task '{}' cannot be pooled", check.metric, name),
          task.metric.empty() ? "one of the rates" : fmt::format("'{}' or one of the rates", task.metric),
          "a pool is a mean over the samples of tasks that share a score");
    }
    for (const EvidenceSample& sample : task.samples) {
      if (const std::optional<double> value = value_of(task, sample, check.metric)) values.push_back(*value);
    }
  }
  if (values.empty()) {
    line.finding = "none of the samples asked tells " + check.metric;
    return {};
  }
  hold_against(with_width(mean_estimate(values)), check, line);
  return {};
}

}  // namespace

bool is_in_pool(const Rule& rule, const std::string& task) {
  return std::any_of(rule.pool.begin(), rule.pool.end(),
                     [&](const std::string& pattern) { return fits(pattern, task); });
}

Result<void> check_pool(const GateInput& input, const Rule& rule, GateLines& lines) {
  Result<std::vector<std::string>> tasks = pooled_tasks(input, rule);
  if (!tasks) return forward_error(tasks);
  const auto* compared = std::get_if<NonInferiorCheck>(&rule.check);
  const std::string what =
      compared != nullptr ? rule_text(*compared) : rule_text(std::get<MetricCheck>(rule.check));
  GateLine line = line_of(
      rule,
      fmt::format("{} ({} task{})", fmt::join(rule.pool, ", "), tasks->size(), tasks->size() == 1 ? "" : "s"),
      what);
  line.finding = missing_in(input.candidate, *tasks);
  if (line.finding.empty()) {
    Result<void> judged = compared != nullptr
                              ? compare_pool(input, rule, *compared, *tasks, line)
                              : measure_pool(input, rule, std::get<MetricCheck>(rule.check), *tasks, line);
    if (!judged) return judged;
  }
  line.may_stop = false;  // a part of the samples has its tasks in other shares than all of them
  lines.push_back(std::move(line));
  return {};
}

}  // namespace sizeup
