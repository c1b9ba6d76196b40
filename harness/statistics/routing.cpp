#include "harness/statistics/routing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

constexpr int kSteps = 100;

// The confidence below which this many percent of the values lie. At the ends nothing, or everything, is sent
// on, whatever confidence comes.
double threshold_at(const std::vector<double>& sorted, int percent) {
  if (percent == 0) return 0.0;
  const auto below = static_cast<size_t>(
      std::llround(static_cast<double>(percent) / kSteps * static_cast<double>(sorted.size())));
  if (percent == kSteps || below >= sorted.size()) return std::numeric_limits<double>::infinity();
  return sorted[below];
}

class Router {
 public:
  Router(std::span<const RoutedSample> samples, uint64_t seed, int folds)
      : samples_(samples), folds_(static_cast<size_t>(folds)) {
    for (const RoutedSample& sample : samples) {
      documents_.push_back(sample.document);
      fold_of_.push_back(
          static_cast<size_t>(uniform(seed, 0, static_cast<uint64_t>(sample.document)) * folds));
    }
    thresholds_ = thresholds_without(folds_);  // no fold has this number
    for (size_t fold = 0; fold < folds_; ++fold) without_fold_.push_back(thresholds_without(fold));
    std::vector<int64_t> sorted = documents_;
    std::sort(sorted.begin(), sorted.end());
    repeats_ = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  }

  RoutePoint point(int percent) const {
    const auto step = static_cast<size_t>(percent);
    std::vector<double> scores(samples_.size());
    std::vector<double> times;
    double cost = 0.0;
    size_t sent = 0;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const RoutedSample& sample = samples_[i];
      const bool on = sample.confidence < without_fold_[fold_of_[i]][step];
      sent += on ? 1 : 0;
      scores[i] = on ? sample.large : sample.small;
      cost += sample.small_cost + (on ? sample.large_cost : 0.0);
      if (std::isfinite(sample.small_ms) && std::isfinite(sample.large_ms))
        times.push_back(sample.small_ms + (on ? sample.large_ms : 0.0));
    }
    const auto n = static_cast<double>(samples_.size());
    RoutePoint out;
    out.share = static_cast<double>(sent) / n;
    out.threshold = thresholds_[step];
    out.accuracy = repeats_ ? clustered_estimate(scores, documents_) : mean_estimate(scores);
    out.cost = cost / n;
    out.p95_ms = percentile(times, 95.0);
    return out;
  }

 private:
  std::vector<double> thresholds_without(size_t fold) const {
    std::vector<double> sorted;
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (fold_of_[i] != fold) sorted.push_back(samples_[i].confidence);
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> out;
    for (int percent = 0; percent <= kSteps; ++percent) out.push_back(threshold_at(sorted, percent));
    return out;
  }

  std::span<const RoutedSample> samples_;
  size_t folds_;
  std::vector<int64_t> documents_;
  std::vector<size_t> fold_of_;
  std::vector<double> thresholds_;                 // of all samples, by percent
  std::vector<std::vector<double>> without_fold_;  // of the samples of the other folds
  bool repeats_ = false;
};

std::vector<double> oracle_line(std::span<const RoutedSample> samples) {
  std::vector<double> gains;
  double sum = 0.0;
  for (const RoutedSample& sample : samples) {
    gains.push_back(sample.large - sample.small);
    sum += sample.small;
  }
  std::sort(gains.begin(), gains.end(), std::greater<>());
  const auto n = static_cast<double>(samples.size());
  std::vector<double> out;
  size_t sent = 0;
  for (int percent = 0; percent <= kSteps; ++percent) {
    const auto upto = static_cast<size_t>(std::llround(static_cast<double>(percent) / kSteps * n));
    for (; sent < upto; ++sent) sum += gains[sent];
    out.push_back(sum / n);
  }
  return out;
}

}  // namespace

RoutingFrontier routing_frontier(std::span<const RoutedSample> samples, uint64_t seed, int folds) {
  require(folds > 1, "cross-fitting needs folds");
  RoutingFrontier out;
  if (samples.empty()) return out;
  const Router router(samples, seed, folds);
  for (int percent = 0; percent <= kSteps; ++percent) out.points.push_back(router.point(percent));
  out.oracle = oracle_line(samples);
  out.small = out.points.front().accuracy.value;
  out.large = out.points.back().accuracy.value;
  out.area = 0.0;
  for (size_t i = 1; i < out.points.size(); ++i) {
    const RoutePoint& left = out.points[i - 1];
    const RoutePoint& right = out.points[i];
    out.area += (right.share - left.share) * 0.5 * (left.accuracy.value + right.accuracy.value);
  }
  if (out.large != out.small) out.apgr = (out.area - out.small) / (out.large - out.small);
  return out;
}

std::optional<double> share_for(const RoutingFrontier& frontier, double part) {
  if (!(frontier.large > frontier.small)) return std::nullopt;
  const double wanted = frontier.small + part * (frontier.large - frontier.small);
  constexpr double kRounding = 1e-12;  // of sums of scores in another order
  for (const RoutePoint& point : frontier.points) {
    if (point.accuracy.value >= wanted - kRounding) return point.share;
  }
  return std::nullopt;
}

}  // namespace sizeup
