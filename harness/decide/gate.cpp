#include "harness/decide/gate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "harness/decide/gate_lines.h"

namespace sizeup {
namespace {

// Whether two rules check the same thing, so that the one that names a task stands for the other there.
bool same_check(const Rule& a, const Rule& b) {
  if (a.check.index() != b.check.index()) return false;
  if (a.slice_field != b.slice_field || a.slice_value != b.slice_value) return false;
  if (const auto* metric = std::get_if<MetricCheck>(&a.check)) {
    const auto& other = std::get<MetricCheck>(b.check);
    return metric->metric == other.metric && metric->is_minimum == other.is_minimum;
  }
  if (const auto* kind = std::get_if<HallucinationCheck>(&a.check)) {
    return kind->kind == std::get<HallucinationCheck>(b.check).kind;
  }
  return true;
}

GateOutcome overall(const GateLines& lines) {
  const auto any = [&](GateOutcome outcome) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const GateLine& line) { return line.outcome == outcome; });
  };
  if (any(GateOutcome::fail)) return GateOutcome::fail;
  return lines.empty() || any(GateOutcome::not_enough_data) ? GateOutcome::not_enough_data
                                                            : GateOutcome::pass;
}

}  // namespace

std::string_view outcome_name(GateOutcome outcome) {
  switch (outcome) {
    case GateOutcome::pass:
      return "pass";
    case GateOutcome::fail:
      return "fail";
    case GateOutcome::not_enough_data:
      return "not enough data";
  }
  throw InternalError("an unknown outcome");
}

GateOutcome held_against(const Estimate& measured, double bound, bool is_minimum, bool by_estimate) {
  if (std::isnan(measured.value)) return GateOutcome::not_enough_data;
  const auto holds = [&](double value) { return is_minimum ? value >= bound : value <= bound; };
  if (by_estimate) return holds(measured.value) ? GateOutcome::pass : GateOutcome::fail;
  if (!measured.has_interval()) return GateOutcome::not_enough_data;
  if (holds(measured.lo) && holds(measured.hi)) return GateOutcome::pass;
  return holds(measured.lo) || holds(measured.hi) ? GateOutcome::not_enough_data : GateOutcome::fail;
}

GateLine line_of(const Rule& rule, const std::string& task, std::string what) {
  GateLine line;
  line.task = task;
  if (!rule.slice_field.empty()) line.slice = fmt::format("{} = {}", rule.slice_field, rule.slice_value);
  line.rule = std::move(what);
  line.place = rule.place;
  return line;
}

Result<std::vector<const EvidenceTask*>> tasks_of(const GateInput& input, const Rule& rule) {
  std::vector<const EvidenceTask*> out;
  for (const EvidenceTask& task : input.candidate.tasks) {
    if (!rule.task.empty() && rule.task != task.name) continue;
    const bool named_elsewhere =
        rule.task.empty() &&
        std::any_of(input.policy.rules.begin(), input.policy.rules.end(),
                    [&](const Rule& other) { return other.task == task.name && same_check(rule, other); });
    if (!named_elsewhere) out.push_back(&task);
  }
  if (!rule.task.empty() && out.empty()) {
    std::vector<std::string> names;
    for (const EvidenceTask& task : input.candidate.tasks) names.push_back(task.name);
    const std::vector<std::string>& open = input.candidate.unfinished;
    const bool is_open = std::find(open.begin(), open.end(), rule.task) != open.end();
    return bad_input(rule.place,
                     fmt::format("{} has {} task '{}'", input.candidate.label(),
                                 is_open ? "not finished the" : "no", rule.task),
                     fmt::format("one of its tasks: {}", fmt::join(names, ", ")),
                     is_open ? fmt::format("finish it with `sizeup run --resume {}`", input.candidate.run)
                             : "run the candidate on it, or correct the policy");
  }
  return out;
}

Result<const Evidence*> required_baseline(const GateInput& input, const Rule& rule) {
  if (input.baseline != nullptr) return input.baseline;
  return usage_error(fmt::format("the rule at {} compares with a baseline, and none is given", rule.place),
                     "name one with --baseline");
}

Result<GateResult> apply_policy(const Policy& policy, const Evidence& candidate, const Evidence* baseline,
                                Looking looking) {
  const GateInput input{policy, candidate, baseline, looking};
  GateResult result;
  struct Apply {
    const GateInput& input;
    const Rule& rule;
    GateLines& lines;
    Result<void> operator()(const NonInferiorCheck& check) const {
      return check_non_inferior(input, rule, check, lines);
    }
    Result<void> operator()(const MetricCheck& check) const {
      return check_metric(input, rule, check, lines);
    }
    Result<void> operator()(const HallucinationCheck& check) const {
      return check_hallucination(input, rule, check, lines);
    }
    Result<void> operator()(const LatencyCheck& check) const {
      return check_latency(input, rule, check, lines);
    }
    Result<void> operator()(const ResourceCheck& check) const {
      return check_resource(input, rule, check, lines);
    }
  };
  for (const Rule& rule : policy.rules) {
    Result<void> checked = rule.pool.empty() ? std::visit(Apply{input, rule, result.lines}, rule.check)
                                             : check_pool(input, rule, result.lines);
    if (!checked) return forward_error(checked);
  }
  if (!candidate.unfinished.empty()) {
    result.notes.push_back(
        fmt::format("the candidate has not finished: {}", fmt::join(candidate.unfinished, ", ")));
  }
  result.outcome = overall(result.lines);
  return result;
}

std::string wording(const GateResult& result) {
  const auto count = [&](GateOutcome outcome) {
    return std::count_if(result.lines.begin(), result.lines.end(),
                         [&](const GateLine& line) { return line.outcome == outcome; });
  };
  const size_t all = result.lines.size();
  const char* s = all == 1 ? "" : "s";
  switch (result.outcome) {
    case GateOutcome::pass:
      return fmt::format("pass: {} check{} hold{}", all, s, all == 1 ? "s" : "");
    case GateOutcome::fail:
      return fmt::format("fail: {} of {} check{} failed", count(GateOutcome::fail), all, s);
    case GateOutcome::not_enough_data:
      break;
  }
  if (all == 0) return "not enough data: the policy's rules found nothing to check";
  return fmt::format("not enough data: {} of {} check{} undecided", count(GateOutcome::not_enough_data), all,
                     s);
}

}  // namespace sizeup
