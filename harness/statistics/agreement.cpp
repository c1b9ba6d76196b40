#include "harness/statistics/agreement.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sizeup {
namespace {

// Ratings by value: how often each of the distinct values was given.
using ValueCounts = std::vector<double>;

// Units that are alike put together, over the distinct values of all.
struct Ratings {
  std::vector<double> values;      // ascending
  std::vector<ValueCounts> units;  // distinct ones, each with at least two ratings
  std::vector<int64_t> counts;     // of each of them
};

Ratings ratings_of(std::span<const UnitRatings> units) {
  Ratings out;
  for (const UnitRatings& unit : units) {
    if (unit.size() >= 2) out.values.insert(out.values.end(), unit.begin(), unit.end());
  }
  std::ranges::sort(out.values);
  out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
  std::map<ValueCounts, int64_t> alike;
  for (const UnitRatings& unit : units) {
    if (unit.size() < 2) continue;
    ValueCounts given(out.values.size());
    for (const double rating : unit)
      ++given[static_cast<size_t>(std::ranges::lower_bound(out.values, rating) - out.values.begin())];
    ++alike[given];
  }
  for (const auto& [given, count] : alike) {
    out.units.push_back(given);
    out.counts.push_back(count);
  }
  return out;
}

// Squared distances of all pairs of values. `totals`: how often each value was given in all.
std::vector<std::vector<double>> distances(const std::vector<double>& values, const ValueCounts& totals,
                                           RatingLevel level) {
  std::vector<std::vector<double>> out(values.size(), std::vector<double>(values.size(), 0.0));
  for (size_t c = 0; c < values.size(); ++c) {
    double between = totals[c];  // ratings from c to k, both included
    for (size_t k = c + 1; k < values.size(); ++k) {
      between += totals[k];
      double apart = 1.0;
      if (level == RatingLevel::interval) apart = values[k] - values[c];
      if (level == RatingLevel::ordinal) apart = between - (totals[c] + totals[k]) / 2.0;
      out[c][k] = out[k][c] = apart * apart;
    }
  }
  return out;
}

// The sum over ordered pairs of ratings of their distance.
double disagreement(const ValueCounts& given, const std::vector<std::vector<double>>& distance) {
  double sum = 0.0;
  for (size_t c = 0; c < given.size(); ++c) {
    if (given[c] == 0.0) continue;
    for (size_t k = 0; k < given.size(); ++k) sum += given[c] * given[k] * distance[c][k];
  }
  return sum;
}

// 1 - observed / expected disagreement, where distinct unit i occurs counts[i] times.
double alpha_of(const Ratings& ratings, std::span<const int64_t> counts, RatingLevel level) {
  ValueCounts totals(ratings.values.size());
  double n = 0.0;
  for (size_t u = 0; u < ratings.units.size(); ++u) {
    for (size_t c = 0; c < totals.size(); ++c) {
      const double given = ratings.units[u][c] * static_cast<double>(counts[u]);
      totals[c] += given;
      n += given;
    }
  }
  const auto distance = distances(ratings.values, totals, level);
  const double expected = disagreement(totals, distance) / (n - 1.0);
  if (!(expected > 0.0)) return kNoNumber;
  double observed = 0.0;
  for (size_t u = 0; u < ratings.units.size(); ++u) {
    double raters = 0.0;
    for (const double given : ratings.units[u]) raters += given;
    observed += static_cast<double>(counts[u]) * disagreement(ratings.units[u], distance) / (raters - 1.0);
  }
  return 1.0 - observed / expected;
}

double squared_standard_error(std::span<const double> values) {
  const double error = standard_error(values);
  return error * error;
}

// The weight of least variance: cov(human, judged) / ((1 + n / N) var(judged)), the variance over all units.
double best_weight(std::span<const double> unlabelled, std::span<const LabelledScore> labelled) {
  if (unlabelled.size() < 2) return 0.0;  // of one score there is no variance
  std::vector<double> judged(unlabelled.begin(), unlabelled.end());
  std::vector<double> human, judged_too;
  for (const LabelledScore& one : labelled) {
    judged.push_back(one.judged);
    judged_too.push_back(one.judged);
    human.push_back(one.human);
  }
  const double spread = squared_standard_error(judged) * static_cast<double>(judged.size());
  if (!(spread > 0.0)) return 0.0;
  const double human_mean = mean(human);
  const double judged_mean = mean(judged_too);
  double covariance = 0.0;
  for (const LabelledScore& one : labelled)
    covariance += (one.human - human_mean) * (one.judged - judged_mean);
  const auto n = static_cast<double>(labelled.size());
  covariance /= n;
  return std::clamp(covariance / ((1.0 + n / static_cast<double>(unlabelled.size())) * spread), 0.0, 1.0);
}

}  // namespace

double krippendorff_alpha(std::span<const UnitRatings> units, RatingLevel level) {
  const Ratings ratings = ratings_of(units);
  return alpha_of(ratings, ratings.counts, level);
}

Estimate alpha_estimate(std::span<const UnitRatings> units, RatingLevel level,
                        const BootstrapOptions& options) {
  const Ratings ratings = ratings_of(units);
  if (ratings.units.empty()) return {};
  return percentile_bootstrap(
      ratings.counts, [&](std::span<const int64_t> counts) { return alpha_of(ratings, counts, level); },
      options);
}

PredictionPowered prediction_powered_mean(std::span<const double> unlabelled,
                                          std::span<const LabelledScore> labelled, double confidence) {
  PredictionPowered out;
  out.mean.n = static_cast<int64_t>(unlabelled.size() + labelled.size());
  if (labelled.empty()) return out;
  out.weight = best_weight(unlabelled, labelled);
  std::vector<double> corrections;
  for (const LabelledScore& one : labelled) corrections.push_back(one.human - out.weight * one.judged);
  out.mean.value = mean(corrections) + (out.weight > 0.0 ? out.weight * mean(unlabelled) : 0.0);
  if (labelled.size() < 2) return out;
  double squared_error = squared_standard_error(corrections);
  if (out.weight > 0.0) squared_error += out.weight * out.weight * squared_standard_error(unlabelled);
  const double half = t_quantile(0.5 + confidence / 2.0, static_cast<double>(labelled.size()) - 1.0) *
                      std::sqrt(squared_error);
  out.mean.lo = out.mean.value - half;
  out.mean.hi = out.mean.value + half;
  return out;
}

}  // namespace sizeup
