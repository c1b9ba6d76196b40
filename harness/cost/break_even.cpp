#include "harness/cost/break_even.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "core/errors/result.h"
#include "harness/cost/own_machine.h"

namespace sizeup {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSecondsPerHour = 3600;
constexpr int64_t kMostDraws = 20'000'000;  // of rows: a second or so
constexpr int64_t kFewestResamples = 500;

// From where on `winner` is the cheaper one.
double threshold(const Crossing& crossing, Cheaper winner) {
  if (crossing.above != winner) return kInfinity;
  return crossing.at.value_or(0.0);
}

using CrossingOfMeans = std::function<Crossing(double candidate_mean, double baseline_mean)>;

double mean_of_rows(const std::vector<double>& values, std::span<const int64_t> rows) {
  double sum = 0;
  for (const int64_t row : rows) sum += values[static_cast<size_t>(row)];
  return sum / static_cast<double>(rows.size());
}

double mean_of_counts(const std::vector<double>& values, std::span<const int64_t> counts) {
  double sum = 0;
  double n = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += static_cast<double>(counts[i]) * values[i];
    n += static_cast<double>(counts[i]);
  }
  return sum / n;
}

double mean_of_samples(const ModelUse& use) {
  return use.counts.empty() ? mean(use.per_sample) : mean_of_counts(use.per_sample, use.counts);
}

BreakEven with_interval(const ModelUse& candidate, const ModelUse& baseline,
                        const CrossingOfMeans& crossing) {
  require(candidate.per_sample.size() == baseline.per_sample.size(), "a pair has the same samples");
  BreakEven out;
  out.crossing = crossing(candidate.mean, baseline.mean);
  const auto n = static_cast<int64_t>(candidate.per_sample.size());
  const Cheaper winner = out.crossing.above;
  if (n < 2 || winner == Cheaper::neither) return out;
  const double candidate_scale = candidate.mean / mean_of_samples(candidate);
  const double baseline_scale = baseline.mean / mean_of_samples(baseline);
  if (!std::isfinite(candidate_scale) || !std::isfinite(baseline_scale)) return out;
  const std::vector<int64_t>& counts = candidate.counts;
  const int64_t draws = std::max(n, std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  BootstrapOptions options;
  options.resamples =
      static_cast<int>(std::clamp<int64_t>(kMostDraws / draws, kFewestResamples, options.resamples));
  // Thresholds of 0..infinity as 0..1: percentiles keep their order, and never is a number.
  const double middle = std::max(out.crossing.at.value_or(0.0), 1.0);
  const auto share_at = [&](double candidate_mean, double baseline_mean) {
    const double at =
        threshold(crossing(candidate_scale * candidate_mean, baseline_scale * baseline_mean), winner);
    return std::isinf(at) ? 1.0 : at / (at + middle);
  };
  const auto of_rows = [&](std::span<const int64_t> rows) {
    return share_at(mean_of_rows(candidate.per_sample, rows), mean_of_rows(baseline.per_sample, rows));
  };
  const auto of_counts = [&](std::span<const int64_t> drawn) {
    return share_at(mean_of_counts(candidate.per_sample, drawn), mean_of_counts(baseline.per_sample, drawn));
  };
  const Estimate share = counts.empty() ? percentile_bootstrap(n, of_rows, options)
                                        : percentile_bootstrap(counts, of_counts, options);
  const auto back = [&](double value) { return value >= 1.0 ? kInfinity : middle * value / (1.0 - value); };
  out.lo = back(share.lo);
  out.hi = back(share.hi);
  return out;
}

}  // namespace

VolumeCost::VolumeCost(const ModelUse& use, double mean_of_requests) : running_(use.running) {
  if (!use.machine_per_month) {
    per_request_ = mean_of_requests;
    return;
  }
  machine_per_month_ = *use.machine_per_month;
  require(mean_of_requests > 0, "a machine takes time for a request");
  capacity_ = kHoursPerMonth * kSecondsPerHour * use.utilisation / mean_of_requests;
}

int64_t VolumeCost::machines(double volume) const {
  if (!capacity_) return 0;
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(volume / *capacity_)));
}

double VolumeCost::per_request() const {
  return capacity_ ? machine_per_month_ / *capacity_ : per_request_;
}

double VolumeCost::requests_per_month(double volume) const {
  return per_request_ * volume + machine_per_month_ * static_cast<double>(machines(volume));
}

double VolumeCost::per_month(double volume) const {
  return requests_per_month(volume) + by_volume().fixed;
}

StepLine VolumeCost::by_volume() const {
  const double retraining =
      running_.retraining_months > 0 ? running_.retraining / running_.retraining_months : 0.0;
  return {running_.monthly + retraining, per_request_, machine_per_month_, capacity_.value_or(kInfinity)};
}

StepLine VolumeCost::by_month(double volume) const {
  const double monthly = running_.monthly + requests_per_month(volume);
  if (running_.retraining_months <= 0) return {running_.one_time, monthly, 0.0, kInfinity};
  // The first step is the first training, which is no retraining.
  return {running_.one_time - running_.retraining, monthly, running_.retraining, running_.retraining_months};
}

BreakEven break_even_volume(const ModelUse& candidate, const ModelUse& baseline) {
  return with_interval(candidate, baseline, [&](double candidate_mean, double baseline_mean) {
    return last_crossing(VolumeCost(candidate, candidate_mean).by_volume(),
                         VolumeCost(baseline, baseline_mean).by_volume());
  });
}

BreakEven break_even_month(const ModelUse& candidate, const ModelUse& baseline, double volume) {
  return with_interval(candidate, baseline, [&](double candidate_mean, double baseline_mean) {
    return last_crossing(VolumeCost(candidate, candidate_mean).by_month(volume),
                         VolumeCost(baseline, baseline_mean).by_month(volume));
  });
}

}  // namespace sizeup
