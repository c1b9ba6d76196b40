#include "harness/decide/pairs.h"

#include <algorithm>
#include <cmath>

#include "harness/statistics/betting.h"
#include "harness/statistics/clusters.h"

namespace sizeup {
namespace {

double mean_of_rows(const std::vector<double>& values, std::span<const int64_t> rows) {
  double sum = 0.0;
  for (const int64_t row : rows) sum += values[static_cast<size_t>(row)];
  return sum / static_cast<double>(rows.size());
}

}  // namespace

bool is_unbounded(const std::string& metric) {
  return metric.find("perplexity") != std::string::npos || metric.find("bits_per_byte") != std::string::npos;
}

bool can_be_compared(const MetricRow& metric) {
  return metric.is_mean && metric.higher_is_better && !is_unbounded(metric.name);
}

bool is_share(const ScoreRange& range) {
  return range.lowest >= 0.0 && range.highest <= 1.0;
}

void ScoreRange::add(double score) {
  lowest = std::fmin(lowest, score);  // fmin and fmax take the number where the other one is none
  highest = std::fmax(highest, score);
}

Result<std::string> comparable_metric(std::span<const MetricRow> metrics, const RangeOf& range_of) {
  for (const MetricRow& metric : metrics) {
    if (!can_be_compared(metric)) continue;
    Result<ScoreRange> range = range_of(metric.name);
    if (!range) return forward_error(range);
    if (is_share(*range)) return metric.name;
  }
  return std::string();
}

int64_t DocumentNumbers::number_of(std::string_view document_hash) {
  if (document_hash.empty()) return next_++;
  const auto [known, is_new] = numbers_.try_emplace(std::hash<std::string_view>{}(document_hash), next_);
  if (is_new) ++next_;
  return known->second;
}

void Pairs::add(double candidate_score, double baseline_score, int64_t document) {
  candidate.push_back(candidate_score);
  baseline.push_back(baseline_score);
  documents.push_back(document);
}

void Pairs::append(const Pairs& other) {
  const int64_t first = documents.empty() ? 0 : 1 + *std::max_element(documents.begin(), documents.end());
  candidate.insert(candidate.end(), other.candidate.begin(), other.candidate.end());
  baseline.insert(baseline.end(), other.baseline.begin(), other.baseline.end());
  for (const int64_t document : other.documents) documents.push_back(first + document);
}

bool Pairs::has_repeats() const {
  return sizeup::has_repeats(documents);
}

Verdict widened_verdict(const Difference& difference, double margin) {
  if (difference.widened.lo > -margin) return Verdict::yes;
  return difference.widened.hi < -margin ? Verdict::no : Verdict::not_enough_data;
}

PairedDifference paired_difference(const Pairs& pairs, double confidence) {
  if (!pairs.has_repeats()) return paired_difference(pairs.candidate, pairs.baseline, confidence);
  return clustered_paired_difference(pairs.candidate, pairs.baseline, pairs.documents, confidence);
}

PairedDifference anytime_difference(const Pairs& pairs, double confidence) {
  PairedDifference out = paired_difference(pairs, confidence);
  std::map<int64_t, std::pair<double, int64_t>> documents;  // numbered in the order of the pairs
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto& [sum, count] = documents[pairs.documents[i]];
    sum += pairs.candidate[i] - pairs.baseline[i];
    ++count;
  }
  BettingOptions options;
  options.confidence = confidence;
  BettingInterval interval(options);
  for (const auto& [document, values] : documents) {
    interval.add(values.first / static_cast<double>(values.second));
  }
  const Estimate estimate = interval.estimate();
  out.lo = estimate.lo;
  out.hi = estimate.hi;
  out.p = out.mid_p = out.variance = kNoNumber;
  out.method = "betting interval, valid however often one looks";
  return out;
}

Difference difference_of(const Pairs& pairs, double margin) {
  Difference out;
  out.candidate = mean(pairs.candidate);
  out.baseline = mean(pairs.baseline);
  out.result = non_inferiority(paired_difference(pairs), margin);
  return out;
}

Retention retention(const Pairs& pairs) {
  if (!pairs.has_repeats()) return retention(pairs.candidate, pairs.baseline);
  const Estimate estimate = clustered_bca_bootstrap(pairs.documents, [&](std::span<const int64_t> rows) {
    return mean_of_rows(pairs.candidate, rows) / mean_of_rows(pairs.baseline, rows);
  });
  Retention out;
  out.n = estimate.n;
  out.value = std::isfinite(estimate.value) ? estimate.value : kNoNumber;
  out.bootstrap = {estimate.lo, estimate.hi};
  return out;
}

std::vector<SlicePairs> slices_of(const Pairs& pairs, const std::vector<std::string>& fields,
                                  const SliceValue& value) {
  std::vector<SlicePairs> out;
  for (const std::string& field : fields) {
    const size_t first = out.size();
    std::unordered_map<std::string, size_t> places;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const std::optional<std::string> own = value(i, field);
      if (!own) continue;
      const auto [place, is_new] = places.try_emplace(*own, out.size());
      if (is_new) out.push_back({field, *own, {}});
      out[place->second].pairs.add(pairs.candidate[i], pairs.baseline[i], pairs.documents[i]);
    }
    if (out.size() - first < 2) out.resize(first);
  }
  return out;
}

std::vector<Difference> slice_differences(std::span<const SlicePairs> slices, double margin) {
  std::vector<Difference> out;
  const double confidence =
      1.0 - (1.0 - kConfidence) / static_cast<double>(std::max<size_t>(1, slices.size()));
  for (const SlicePairs& slice : slices) {
    Difference difference = difference_of(slice.pairs, margin);
    const PairedDifference wide = paired_difference(slice.pairs, confidence);
    difference.widened = {wide.lo, wide.hi};
    out.push_back(std::move(difference));
  }
  return out;
}

}  // namespace sizeup
