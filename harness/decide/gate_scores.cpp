// A gate's checks of scores: non-inferiority, metrics, hallucination.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "harness/decide/comparison.h"
#include "harness/decide/gate_lines.h"
#include "harness/statistics/betting.h"

namespace sizeup {
namespace {

GateOutcome outcome_of(Verdict verdict) {
  if (verdict == Verdict::yes) return GateOutcome::pass;
  return verdict == Verdict::no ? GateOutcome::fail : GateOutcome::not_enough_data;
}

PairedDifference interval_of(const GateInput& input, const Pairs& pairs, double confidence) {
  return input.looking == Looking::once ? paired_difference(pairs, confidence)
                                        : anytime_difference(pairs, confidence);
}

Result<void> compare_one(const GateInput& input, const Rule& rule, const NonInferiorCheck& check,
                         const EvidenceTask& task, GateLines& lines) {
  const double margin = check.margin;
  GateLine line = line_of(rule, task.name, rule_text(check));
  if (input.baseline->find(task.name) == nullptr && rule.task.empty()) {
    line.finding = fmt::format("{} has no such task", input.baseline->label());
    lines.push_back(std::move(line));
    return {};
  }
  Result<PairedTask> paired = pair_task(input.candidate, *input.baseline, task.name);
  if (!paired) return forward_error(paired);
  if (rule.slice_field.empty()) {
    conclude(non_inferiority(interval_of(input, paired->pairs, kConfidence), margin), line);
    lines.push_back(std::move(line));
    return {};
  }
  const std::vector<SlicePairs> slices = slices_of(*paired, {rule.slice_field});
  // All values at once are looked at together: their intervals are widened, and hold together with 95 %.
  const bool every = rule.slice_value == "*";
  const double confidence =
      every ? 1.0 - (1.0 - kConfidence) / static_cast<double>(std::max<size_t>(1, slices.size()))
            : kConfidence;
  std::vector<std::string> values;
  bool any = false;
  for (const SlicePairs& slice : slices) {
    values.push_back(slice.value);
    if (!every && slice.value != rule.slice_value) continue;
    any = true;
    GateLine own = line;
    own.slice = fmt::format("{} = {}", slice.field, slice.value);
    conclude(non_inferiority(interval_of(input, slice.pairs, confidence), margin), own);
    lines.push_back(std::move(own));
  }
  if (any || rule.task.empty()) return {};
  return bad_input(rule.place,
                   fmt::format("task '{}' has no slice '{} = {}' with two values or more", task.name,
                               rule.slice_field, rule.slice_value),
                   values.empty() ? fmt::format("a field of {}", fmt::join(task.slice_fields, ", "))
                                  : fmt::format("one of {}", fmt::join(values, ", ")));
}

// How many samples in all would settle a bound if the estimate stays where it is: the interval's half-width
// must shrink to its distance, and by z_power more to be likely to.
std::optional<int64_t> more_for_bound(const Estimate& measured, double bound) {
  const double distance = std::fabs(measured.value - bound);
  if (!measured.has_interval() || !(distance > 0.0) || measured.n < 1) return std::nullopt;
  const double z = normal_quantile(0.5 + kConfidence / 2);
  const double factor = (measured.hi - measured.lo) / 2.0 / distance * (z + normal_quantile(kPower)) / z;
  const double samples = std::ceil(factor * factor * static_cast<double>(measured.n));
  constexpr double kBeyondUse = 1e15;
  if (!(samples < kBeyondUse)) return std::nullopt;
  return std::max<int64_t>(1, static_cast<int64_t>(samples) - measured.n);
}

std::string finding_of(const std::string& metric, const Estimate& measured, std::optional<int64_t> more) {
  if (std::isnan(measured.value)) return metric + " is undefined for these samples";
  std::string out = fmt::format("{} {:.4g}", metric, measured.value);
  out += measured.has_interval() ? fmt::format(", 95 % interval {:.4g} to {:.4g}", measured.lo, measured.hi)
                                 : std::string(", no interval");
  out += fmt::format(", n = {}", measured.n);
  if (more) out += fmt::format("; about {} more samples would decide", *more);
  return out;
}

// What aggregate() stores as a rate of the whole evaluation.
struct SampleRate {
  const char* metric;
  bool EvidenceSample::*flag;
};
constexpr std::array<SampleRate, 4> kRates = {{
    {"no_answer_rate", &EvidenceSample::no_answer},
    {"invalid_rate", &EvidenceSample::invalid},
    {"truncated_rate", &EvidenceSample::truncated},
    {"error_rate", &EvidenceSample::failed},
}};

Estimate mean_of(const std::vector<double>& values, Looking looking) {
  if (looking == Looking::once) return mean_estimate(values);
  BettingOptions options;
  options.lowest = 0.0;
  BettingInterval interval(options);
  interval.add(values);
  return interval.estimate();
}

// From the samples: a rate by slice, which is not stored; anything that is to be looked at again and again.
std::vector<ResultRow> means_of(const EvidenceTask& task, const std::string& metric, const std::string& field,
                                Looking looking) {
  std::map<std::string, std::vector<double>> by_value;
  for (const EvidenceSample& sample : task.samples) {
    const std::optional<double> value = value_of(task, sample, metric);
    const std::string* slice = sample.slice(field);
    if (!value || (!field.empty() && slice == nullptr)) continue;
    by_value[field.empty() ? std::string() : *slice].push_back(*value);
  }
  std::vector<ResultRow> rows;
  for (const auto& [value, values] : by_value) {
    const Estimate estimate = mean_of(values, looking);
    rows.push_back({metric, field, value, estimate.value, estimate.lo, estimate.hi, estimate.n});
  }
  return rows;
}

// The task's results of a metric for the whole, or for the rule's slices.
std::vector<ResultRow> results_of(const EvidenceTask& task, const std::string& metric, const Rule& rule,
                                  Looking looking) {
  std::vector<ResultRow> rows;
  for (const ResultRow& row : task.results) {
    if (row.metric == metric && row.slice_field == rule.slice_field) rows.push_back(row);
  }
  if (rows.empty() || (looking == Looking::anytime && is_mean_of_samples(task, metric))) {
    rows = means_of(task, metric, rule.slice_field, looking);
  }
  if (rule.slice_field.empty() || rule.slice_value == "*") return rows;
  std::erase_if(rows, [&](const ResultRow& row) { return row.slice_value != rule.slice_value; });
  return rows;
}

std::string known_metrics(const std::vector<const EvidenceTask*>& tasks, const std::string& field) {
  std::set<std::string> names;
  for (const EvidenceTask* task : tasks) {
    for (const ResultRow& row : task->results) {
      if (row.slice_field == field) {
        names.insert(field.empty() ? row.metric : fmt::format("{} of {}", row.metric, row.slice_value));
      }
    }
  }
  constexpr size_t kMostListed = 40;
  std::vector<std::string> shown(names.begin(), names.end());
  if (shown.size() > kMostListed) shown.resize(kMostListed);
  return shown.empty() ? "the tasks have none" : fmt::format("one of {}", fmt::join(shown, ", "));
}

// A metric of the task, and a slice that it has: samples may tell it yet.
bool should_have(const EvidenceTask& task, const std::string& metric, const Rule& rule) {
  const std::vector<std::string>& known = task.metrics;
  if (std::find(known.begin(), known.end(), metric) == known.end()) return false;
  if (rule.slice_field.empty()) return true;
  return std::any_of(task.samples.begin(), task.samples.end(), [&](const EvidenceSample& sample) {
    const std::string* value = sample.slice(rule.slice_field);
    return value != nullptr && (rule.slice_value == "*" || rule.slice_value == *value);
  });
}

// Lines for each of the rule's tasks that has the metric.
template <class Judge>
Result<void> each_result(const GateInput& input, const Rule& rule, const std::string& metric,
                         const std::string& what, GateLines& lines, Judge&& judge) {
  Result<std::vector<const EvidenceTask*>> tasks = tasks_of(input, rule);
  if (!tasks) return forward_error(tasks);
  bool any = false;
  for (const EvidenceTask* task : *tasks) {
    const std::vector<ResultRow> results = results_of(*task, metric, rule, input.looking);
    if (results.empty() && should_have(*task, metric, rule)) {
      any = true;
      lines.push_back(line_of(rule, task->name, what));
      lines.back().finding = "none of the samples asked tells " + metric;
    }
    for (const ResultRow& row : results) {
      any = true;
      GateLine line = line_of(rule, task->name, what);
      line.may_stop = is_mean_of_samples(*task, metric);
      if (!row.slice_field.empty()) line.slice = fmt::format("{} = {}", row.slice_field, row.slice_value);
      judge(with_width({row.value, row.lo.value_or(kNoNumber), row.hi.value_or(kNoNumber), row.n}), line);
      lines.push_back(std::move(line));
    }
  }
  if (any || tasks->empty()) return {};
  const std::string where = rule.slice_field.empty()
                                ? std::string()
                                : fmt::format(" for {} = {}", rule.slice_field, rule.slice_value);
  return bad_input(rule.place,
                   fmt::format("{} has no metric '{}'{}{}", input.candidate.label(), metric,
                               rule.task.empty() ? "" : " of task " + rule.task, where),
                   known_metrics(*tasks, rule.slice_field));
}

}  // namespace

std::string rule_text(const NonInferiorCheck& check) {
  return fmt::format("not worse than the baseline by more than {:.4g} points", 100.0 * check.margin);
}

std::string rule_text(const MetricCheck& check) {
  return fmt::format("{} at {} {:.6g}", check.metric, check.is_minimum ? "least" : "most", check.bound);
}

void conclude(const NonInferiority& result, GateLine& line) {
  const PairedDifference& d = result.difference;
  line.outcome = outcome_of(result.verdict);
  line.finding = wording(result);
  line.measured = {d.difference, d.lo, d.hi, d.n};
  line.bound = -result.margin;
  line.more = result.more;
  line.may_stop = true;
}

Estimate with_width(Estimate estimate) {
  if (estimate.lo == estimate.hi) {
    const bool share = estimate.value >= 0.0 && estimate.value <= 1.0;
    const Interval wide = share ? constant_interval(estimate.value, estimate.n, 0.0, 1.0) : Interval{};
    estimate.lo = wide.lo;
    estimate.hi = wide.hi;
  }
  return estimate;
}

void hold_against(const Estimate& measured, const MetricCheck& check, GateLine& line) {
  line.measured = measured;
  line.bound = check.bound;
  if (check.by_estimate) line.may_stop = false;  // a value of the first few samples is not that of all
  line.outcome = held_against(measured, check.bound, check.is_minimum, check.by_estimate);
  if (line.outcome == GateOutcome::not_enough_data) line.more = more_for_bound(measured, check.bound);
  line.finding = finding_of(check.metric, measured, line.more);
}

std::optional<double> value_of(const EvidenceTask& task, const EvidenceSample& sample,
                               const std::string& metric) {
  for (const SampleRate& rate : kRates) {
    if (metric != rate.metric) continue;
    if (sample.failed && rate.flag != &EvidenceSample::failed) return std::nullopt;
    return sample.*(rate.flag) ? 1.0 : 0.0;
  }
  if (metric != task.metric || std::isnan(sample.score)) return std::nullopt;
  return sample.score;
}

bool is_mean_of_samples(const EvidenceTask& task, const std::string& metric) {
  return metric == task.metric || std::any_of(kRates.begin(), kRates.end(),
                                              [&](const SampleRate& rate) { return metric == rate.metric; });
}

Result<void> check_non_inferior(const GateInput& input, const Rule& rule, const NonInferiorCheck& check,
                                GateLines& lines) {
  Result<const Evidence*> baseline = required_baseline(input, rule);
  if (!baseline) return forward_error(baseline);
  Result<std::vector<const EvidenceTask*>> tasks = tasks_of(input, rule);
  if (!tasks) return forward_error(tasks);
  for (const EvidenceTask* task : *tasks) {
    Result<void> compared = compare_one(input, rule, check, *task, lines);
    if (!compared) return compared;
  }
  if (!rule.task.empty()) return {};
  // What the baseline answered and the candidate did not must not pass in silence.
  for (const EvidenceTask& task : (*baseline)->tasks) {
    if (input.candidate.find(task.name) != nullptr) continue;
    GateLine line = line_of(rule, task.name, rule_text(check));
    line.finding = fmt::format("{} has not answered it", input.candidate.label());
    lines.push_back(std::move(line));
  }
  return {};
}

Result<void> check_metric(const GateInput& input, const Rule& rule, const MetricCheck& check,
                          GateLines& lines) {
  return each_result(input, rule, check.metric, rule_text(check), lines,
                     [&](const Estimate& measured, GateLine& line) { hold_against(measured, check, line); });
}

Result<void> check_hallucination(const GateInput& input, const Rule& rule, const HallucinationCheck& check,
                                 GateLines& lines) {
  // The metric that counts each kind (docs/metrics.md); abstention counts the declined, not the invented.
  const std::string metric = check.kind == "closed_book"    ? "hallucination_rate"
                             : check.kind == "unsupported"  ? "unsupported_rate"
                             : check.kind == "unanswerable" ? "abstention"
                                                            : "fabricated_rate";
  const std::string what = fmt::format("hallucination ({}) at most {:.6g}", check.kind, check.maximum);
  return each_result(input, rule, metric, what, lines, [&](const Estimate& stored, GateLine& line) {
    Estimate measured = stored;
    if (metric == "abstention") measured = {1.0 - stored.value, 1.0 - stored.hi, 1.0 - stored.lo, stored.n};
    hold_against(measured, {check.kind, false, check.maximum, check.by_estimate}, line);
  });
}

}  // namespace sizeup
