#include "harness/run/aggregate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "harness/run/scoring.h"
#include "harness/statistics/bootstrap.h"
#include "harness/statistics/interval.h"

namespace sizeup {
namespace {

// A set metric walks over all distinct samples in every resample; a thousand give the ends of the interval to
// about a thirtieth of its width, and 14,000 samples stay a matter of seconds.
constexpr int kSetMetricResamples = 1000;

struct Slice {
  std::string field;
  std::string value;
};

ResultRow row_of(const std::string& metric, const Slice& slice, const Estimate& estimate) {
  ResultRow row{metric, slice.field, slice.value, estimate.value, {}, {}, estimate.n};
  if (!std::isnan(estimate.lo)) row.lo = estimate.lo;
  if (!std::isnan(estimate.hi)) row.hi = estimate.hi;
  return row;
}

Estimate mean_of(const MetricInfo& metric, std::span<const Scored* const> scored) {
  std::vector<double> values;
  for (const Scored* sample : scored) {
    const auto found = sample->scores.find(metric.name);
    if (found == sample->scores.end()) continue;
    if (metric.leaves_out_nan && std::isnan(found->second)) continue;
    values.push_back(found->second);
  }
  return mean_estimate(values);
}

Estimate set_metric(const Task& task, const std::string& metric, std::span<const Scored* const> scored) {
  const SetMetric set = task.set_metric(metric, {scored.begin(), scored.end()});
  if (set.share && set.share->of > 0) {
    const auto [lo, hi] = wilson_interval(set.share->hits, set.share->of);
    return {set.value(set.counts), lo, hi, set.share->of};
  }
  BootstrapOptions options;
  options.resamples = kSetMetricResamples;
  return percentile_bootstrap(set.counts, set.value, options);
}

void add_metrics(const Task& task, const Slice& slice, std::span<const Scored* const> scored,
                 std::vector<ResultRow>& rows) {
  for (const MetricInfo& metric : task.metrics()) {
    const Estimate estimate =
        metric.is_mean ? mean_of(metric, scored) : set_metric(task, metric.name, scored);
    if (estimate.n > 0) rows.push_back(row_of(metric.name, slice, estimate));
  }
}

template <class Test>
ResultRow rate(const char* name, std::span<const AnswerRow> answers, Test&& counts) {
  std::vector<double> values;
  for (const AnswerRow& answer : answers) {
    if (const std::optional<bool> hit = counts(answer)) values.push_back(*hit ? 1.0 : 0.0);
  }
  return row_of(name, {}, mean_estimate(values));
}

// A rate of the task's own under the same name stands.
void add_rates(const Task& task, std::span<const AnswerRow> answers, std::vector<ResultRow>& rows) {
  const auto answered = [](bool AnswerRow::*flag) {
    return
        [flag](const AnswerRow& answer) { return answer.error ? std::nullopt : std::optional(answer.*flag); };
  };
  const std::vector<ResultRow> rates = {
      rate(kNoAnswerRate, answers, answered(&AnswerRow::no_answer)),
      rate(kInvalidRate, answers, answered(&AnswerRow::invalid)),
      rate(kTruncatedRate, answers, answered(&AnswerRow::truncated)),
      rate(kErrorRate, answers,
           [](const AnswerRow& answer) { return std::optional(answer.error.has_value()); }),
  };
  const std::vector<MetricInfo> metrics = task.metrics();
  for (const ResultRow& row : rates) {
    const bool taken = std::any_of(metrics.begin(), metrics.end(),
                                   [&](const MetricInfo& metric) { return metric.name == row.metric; });
    if (!taken && row.n > 0) rows.push_back(row);
  }
}

}  // namespace

std::vector<ResultRow> aggregate(const Task& task, std::span<const AnswerRow> answers,
                                 std::span<const SampleSlices> slices) {
  std::vector<Scored> scored;
  std::vector<int64_t> ids;
  for (const AnswerRow& answer : answers) {
    if (answer.error) continue;
    scored.push_back(scored_of(answer));
    ids.push_back(answer.sample_id);
  }

  std::vector<const Scored*> all;
  for (const Scored& sample : scored) all.push_back(&sample);
  std::vector<ResultRow> rows;
  add_metrics(task, {}, all, rows);
  add_rates(task, answers, rows);
  std::unordered_map<int64_t, const SampleSlices*> slices_of;
  for (const SampleSlices& sample : slices) slices_of[sample.id] = &sample;
  for (const std::string& field : task.slice_fields()) {
    std::map<std::string, std::vector<const Scored*>> by_value;
    for (size_t i = 0; i < scored.size(); ++i) {
      const auto sample = slices_of.find(ids[i]);
      require(sample != slices_of.end(), "every answer has its sample");
      const auto value = sample->second->slices.find(field);
      if (value != sample->second->slices.end()) by_value[value->second].push_back(&scored[i]);
    }
    for (const auto& [value, members] : by_value) add_metrics(task, {field, value}, members, rows);
  }
  return rows;
}

}  // namespace sizeup
