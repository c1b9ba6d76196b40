#include "harness/run/aggregate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "harness/run/scoring.h"
#include "harness/statistics/bootstrap.h"
#include "harness/statistics/clusters.h"
#include "tasks/variant_field.h"

namespace sizeup {
namespace {

// A set metric walks over all distinct samples in every resample; a thousand give the ends of the interval to
// about a thirtieth of its width, and 14,000 samples stay a matter of seconds.
constexpr int kSetMetricResamples = 1000;

ResultRow row_of(const std::string& metric, const std::string& field, const std::string& value,
                 const Estimate& estimate) {
  ResultRow row{metric, field, value, estimate.value, {}, {}, estimate.n};
  if (!std::isnan(estimate.lo)) row.lo = estimate.lo;
  if (!std::isnan(estimate.hi)) row.hi = estimate.hi;
  return row;
}

Estimate set_estimate(const Task& task, const std::string& metric, const std::vector<const Scored*>& scored) {
  const SetMetric set = task.set_metric(metric, scored);
  if (set.share && set.share->of > 0) {
    const auto [lo, hi] = wilson_interval(set.share->hits, set.share->of);
    return {set.value(set.counts), lo, hi, set.share->of};
  }
  BootstrapOptions options;
  options.resamples = kSetMetricResamples;
  return percentile_bootstrap(set.counts, set.value, options);
}

}  // namespace

Aggregator::Aggregator(const Task& task)
    : task_(task),
      metrics_(task.metrics()),
      has_set_metrics_(
          std::ranges::any_of(metrics_, [](const MetricInfo& metric) { return !metric.is_mean; })),
      fields_(task.slice_fields()),
      slices_(fields_.size()) {
  has_variants_ = std::ranges::find(fields_, kVariantField) != fields_.end();
}

void Aggregator::add(const AnswerRow& answer, const std::map<std::string, std::string>& slices,
                     const std::string& document_hash) {
  const auto count = [](bool hit, Rate& rate) {
    rate.hits += hit ? 1 : 0;
    ++rate.of;
  };
  count(answer.error.has_value(), error_);
  if (answer.error) return;
  count(answer.no_answer, no_answer_);
  count(answer.invalid, invalid_);
  count(answer.truncated, truncated_);
  const Scored* scored = nullptr;
  if (has_set_metrics_) {
    Scored details;  // all that set metrics read
    details.details = answer.details;
    scored = &*scored_.insert(std::move(details)).first;
  }
  const auto document = static_cast<int64_t>(std::hash<std::string>{}(document_hash));
  add(answer, scored, document, all_);
  for (size_t f = 0; f < fields_.size(); ++f) {
    const auto value = slices.find(fields_[f]);
    if (value != slices.end()) add(answer, scored, document, slices_[f][value->second]);
  }
}

void Aggregator::add(const AnswerRow& answer, const Scored* scored, int64_t document, Set& set) const {
  set.values.resize(metrics_.size());
  set.documents.resize(metrics_.size());
  if (scored != nullptr) set.scored.push_back(scored);
  for (size_t m = 0; m < metrics_.size(); ++m) {
    const MetricInfo& metric = metrics_[m];
    const auto score = answer.scores.find(metric.name);
    if (!metric.is_mean || score == answer.scores.end()) continue;
    if (metric.leaves_out_nan && std::isnan(score->second)) continue;
    set.values[m].push_back(score->second);
    if (has_variants_) set.documents[m].push_back(document);
  }
}

std::vector<ResultRow> Aggregator::results() const {
  std::vector<ResultRow> rows;
  add_metrics({}, {}, all_, rows);
  add_rates(rows);
  for (size_t f = 0; f < fields_.size(); ++f) {
    for (const auto& [value, set] : slices_[f]) add_metrics(fields_[f], value, set, rows);
  }
  return rows;
}

void Aggregator::add_metrics(const std::string& field, const std::string& value, const Set& set,
                             std::vector<ResultRow>& rows) const {
  if (set.values.empty()) return;
  for (size_t m = 0; m < metrics_.size(); ++m) {
    const Estimate estimate = metrics_[m].is_mean ? estimate_over(set.values[m], set.documents[m])
                                                  : set_estimate(task_, metrics_[m].name, set.scored);
    if (estimate.n > 0) rows.push_back(row_of(metrics_[m].name, field, value, estimate));
  }
}

// A rate of the task's own under the same name stands.
void Aggregator::add_rates(std::vector<ResultRow>& rows) const {
  const std::pair<const char*, Rate> rates[] = {{kNoAnswerRate, no_answer_},
                                                {kInvalidRate, invalid_},
                                                {kTruncatedRate, truncated_},
                                                {kErrorRate, error_}};
  for (const auto& [name, rate] : rates) {
    const bool taken = std::ranges::any_of(
        metrics_, [wanted = name](const MetricInfo& metric) { return metric.name == wanted; });
    if (taken || rate.of == 0) continue;
    const auto [lo, hi] = wilson_interval(rate.hits, rate.of);
    const double value = static_cast<double>(rate.hits) / static_cast<double>(rate.of);
    rows.push_back(row_of(name, {}, {}, {value, lo, hi, rate.of}));
  }
}

}  // namespace sizeup
