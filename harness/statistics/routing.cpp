#include "harness/statistics/routing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <functional>
#include <limits>

#include "core/errors/result.h"
#include "core/random/counter_random.h"
#include "harness/statistics/bootstrap.h"
#include "harness/statistics/clusters.h"
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

// Scores that are all 0 or 1, counted by (small, large).
struct ScoreCounts {
  std::array<std::array<int64_t, 2>, 2> count = {};

  int64_t& of(const RoutedSample& sample) { return count[sample.small == 1.0][sample.large == 1.0]; }
  ScoreCounts& operator+=(const ScoreCounts& other) {
    for (size_t small : {0, 1}) {
      for (size_t large : {0, 1}) count[small][large] += other.count[small][large];
    }
    return *this;
  }
};

// The samples that are first sent on at one percent.
struct Step {
  int64_t n = 0;
  double large_cost = 0.0;
  ScoreCounts scores;
};

// A sample as far as closing the gap is concerned.
struct GapRow {
  int first_sent = 0;  // percent
  double small = 0.0;
  double large = 0.0;

  auto operator<=>(const GapRow&) const = default;
};

constexpr double kSumRounding = 1e-12;  // of sums of scores in another order

// The least share sent on that closes a part of the gap, from sums by percent; NaN where large is not better.
class GapSums {
 public:
  void add(const GapRow& row, double times) {
    Step& step = steps_[static_cast<size_t>(row.first_sent)];
    step.n += times;
    step.gain += times * (row.large - row.small);
    n_ += times;
    gap_ += times * (row.large - row.small);
  }

  double share_for(double part) const {
    if (!(gap_ > 0.0)) return kNoNumber;
    double sent = 0.0;
    double gained = 0.0;
    for (const Step& step : steps_) {
      sent += step.n;
      gained += step.gain;
      if (gained >= part * gap_ - kSumRounding * n_) break;
    }
    return sent / n_;
  }

 private:
  struct Step {
    double n = 0.0;
    double gain = 0.0;
  };
  std::array<Step, kSteps + 1> steps_;
  double n_ = 0.0;
  double gap_ = 0.0;
};

// Equal rows are counted, which makes a resample of a million as cheap as one of a hundred.
Estimate bootstrap_share(std::vector<GapRow> rows, double part) {
  std::sort(rows.begin(), rows.end());
  std::vector<GapRow> distinct;
  std::vector<int64_t> counts;
  for (const GapRow& row : rows) {
    if (distinct.empty() || distinct.back() != row) {
      distinct.push_back(row);
      counts.push_back(0);
    }
    ++counts.back();
  }
  const auto share = [&](std::span<const int64_t> drawn) {
    GapSums sums;
    for (size_t i = 0; i < distinct.size(); ++i) sums.add(distinct[i], static_cast<double>(drawn[i]));
    return sums.share_for(part);
  };
  return percentile_bootstrap(counts, share, affordable({}, static_cast<int64_t>(rows.size())));
}

Estimate bootstrap_share(const std::vector<GapRow>& rows, std::span<const int64_t> documents, double part) {
  const auto share = [&](std::span<const int64_t> drawn) {
    GapSums sums;
    for (const int64_t row : drawn) sums.add(rows[static_cast<size_t>(row)], 1.0);
    return sums.share_for(part);
  };
  return clustered_percentile_bootstrap(documents, share, affordable({}, static_cast<int64_t>(rows.size())));
}

// Whether the models are shown to differ: without that the gap between them could be nothing.
bool models_differ(const RoutingFrontier& frontier) {
  return !frontier.points.empty() &&
         (frontier.points.front().against_large.lo > 0 || frontier.points.front().against_large.hi < 0);
}

class Router {
 public:
  Router(std::span<const RoutedSample> samples, uint64_t seed, int folds) : samples_(samples) {
    require(folds > 1, "cross-fitting needs folds");
    std::vector<size_t> fold_of;
    for (const RoutedSample& sample : samples) {
      documents_.push_back(sample.document);
      fold_of.push_back(routing_fold(sample.document, seed, folds));
      binary_ = binary_ && is_binary(sample.small) && is_binary(sample.large);
    }
    repeats_ = has_repeats(documents_);
    const auto all = static_cast<size_t>(folds);  // no fold has this number
    thresholds_ = thresholds_without(all, fold_of);
    std::vector<std::vector<double>> without_fold;
    for (size_t fold = 0; fold < all; ++fold) without_fold.push_back(thresholds_without(fold, fold_of));
    for (size_t i = 0; i < samples.size(); ++i) {
      const std::vector<double>& thresholds = without_fold[fold_of[i]];
      const auto first = std::upper_bound(thresholds.begin(), thresholds.end(), samples[i].confidence);
      first_sent_.push_back(static_cast<int>(first - thresholds.begin()));
      Step& step = steps_[static_cast<size_t>(first_sent_.back())];
      ++step.n;
      step.large_cost += samples[i].large_cost;
      ++step.scores.of(samples[i]);
      small_cost_ += samples[i].small_cost;
      if (std::isfinite(samples[i].small_ms) && std::isfinite(samples[i].large_ms)) timed_.push_back(i);
    }
  }

  std::vector<RoutePoint> points() const {
    ScoreCounts kept;
    for (const Step& step : steps_) kept += step.scores;
    ScoreCounts sent;
    int64_t count = 0;
    double cost = small_cost_;
    std::vector<RoutePoint> out;
    const auto n = static_cast<double>(samples_.size());
    for (int percent = 0; percent <= kSteps; ++percent) {
      const Step& step = steps_[static_cast<size_t>(percent)];
      count += step.n;
      cost += step.large_cost;
      sent += step.scores;
      for (size_t small : {0, 1}) {
        for (size_t large : {0, 1}) kept.count[small][large] -= step.scores.count[small][large];
      }
      RoutePoint point;
      point.share = static_cast<double>(count) / n;
      point.threshold = thresholds_[static_cast<size_t>(percent)];
      point.cost = cost / n;
      point.p95_ms = percentile(times(percent), 95.0);
      if (binary_ && !repeats_) {
        set_scores(kept, sent, point);
      } else {
        set_scores(percent, point);
      }
      out.push_back(std::move(point));
    }
    return out;
  }

  std::vector<double> scores(int percent) const {
    std::vector<double> out;
    for (size_t i = 0; i < samples_.size(); ++i)
      out.push_back(first_sent_[i] <= percent ? samples_[i].large : samples_[i].small);
    return out;
  }

  std::vector<double> times(int percent) const {
    std::vector<double> out;
    for (const size_t i : timed_)
      out.push_back(samples_[i].small_ms + (first_sent_[i] <= percent ? samples_[i].large_ms : 0.0));
    return out;
  }

  std::vector<double> costs(int percent) const {
    std::vector<double> out;
    for (size_t i = 0; i < samples_.size(); ++i)
      out.push_back(samples_[i].small_cost + (first_sent_[i] <= percent ? samples_[i].large_cost : 0.0));
    return out;
  }

  std::vector<double> sent(int percent) const {
    std::vector<double> out;
    for (const int first : first_sent_) out.push_back(first <= percent ? 1.0 : 0.0);
    return out;
  }

  // What is needed of a sample to find the share that closes a part of the gap.
  std::vector<GapRow> gap_rows() const {
    std::vector<GapRow> out;
    for (size_t i = 0; i < samples_.size(); ++i)
      out.push_back({first_sent_[i], samples_[i].small, samples_[i].large});
    return out;
  }

  // What a sample adds to the area: its score at every step, weighted with the share that the step stands
  // for.
  std::vector<double> areas(const std::vector<RoutePoint>& points) const {
    std::vector<double> sent_from(kSteps + 2, 0.0);  // weight of the steps from here on
    for (size_t i = kSteps + 1; i-- > 0;) {
      const double left = points[i == 0 ? 0 : i - 1].share;
      const double right = points[std::min<size_t>(i + 1, kSteps)].share;
      sent_from[i] = sent_from[i + 1] + 0.5 * (right - left);
    }
    std::vector<double> out;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const double sent = sent_from[static_cast<size_t>(first_sent_[i])];
      out.push_back((1.0 - sent) * samples_[i].small + sent * samples_[i].large);
    }
    return out;
  }

  const std::vector<int64_t>& documents() const { return documents_; }
  bool repeats() const { return repeats_; }

 private:
  static bool is_binary(double score) { return score == 0.0 || score == 1.0; }

  std::vector<double> thresholds_without(size_t fold, const std::vector<size_t>& fold_of) const {
    std::vector<double> sorted;
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (fold_of[i] != fold) sorted.push_back(samples_[i].confidence);
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> out;
    for (int percent = 0; percent <= kSteps; ++percent) out.push_back(threshold_at(sorted, percent));
    return out;
  }

  // From counts: the same for a million samples as for a hundred.
  static void set_scores(const ScoreCounts& kept, const ScoreCounts& sent, RoutePoint& point) {
    PairedCounts pairs;
    pairs.both = kept.count[1][1] + sent.count[0][1] + sent.count[1][1];
    pairs.only_a = kept.count[1][0];
    pairs.only_b = kept.count[0][1];
    pairs.neither = kept.count[0][0] + sent.count[0][0] + sent.count[1][0];
    const int64_t right = pairs.both + pairs.only_a;
    const Interval interval = wilson_interval(right, pairs.n());
    point.accuracy = {static_cast<double>(right) / static_cast<double>(pairs.n()), interval.lo, interval.hi,
                      pairs.n()};
    point.against_large = paired_difference(pairs);
  }

  void set_scores(int percent, RoutePoint& point) const {
    const std::vector<double> routed = scores(percent);
    std::vector<double> large;
    for (const RoutedSample& sample : samples_) large.push_back(sample.large);
    point.accuracy = repeats_ ? clustered_estimate(routed, documents_) : mean_estimate(routed);
    point.against_large =
        repeats_ ? clustered_paired_difference(routed, large, documents_) : paired_difference(routed, large);
  }

  std::span<const RoutedSample> samples_;
  std::vector<int64_t> documents_;
  bool repeats_ = false;
  bool binary_ = true;
  std::vector<double> thresholds_;  // of all samples, by percent
  std::vector<int> first_sent_;     // the least percent at which a sample is sent on, by the other folds
  std::vector<size_t> timed_;       // samples with both times
  std::array<Step, kSteps + 1> steps_;
  double small_cost_ = 0.0;
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

size_t routing_fold(int64_t document, uint64_t seed, int folds) {
  return static_cast<size_t>(uniform(seed, 0, static_cast<uint64_t>(document)) * folds);
}

RoutingFrontier routing_frontier(std::span<const RoutedSample> samples, uint64_t seed, int folds) {
  RoutingFrontier out;
  if (samples.empty()) return out;
  out.points = Router(samples, seed, folds).points();
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
  for (const RoutePoint& point : frontier.points) {
    if (point.accuracy.value >= wanted - kSumRounding) return point.share;
  }
  return std::nullopt;
}

std::optional<size_t> least_share_within(const RoutingFrontier& frontier, double margin) {
  std::optional<size_t> least;
  for (size_t i = frontier.points.size(); i-- > 0;) {
    if (!(frontier.points[i].against_large.lo > -margin)) break;
    least = i;
  }
  return least;
}

std::vector<double> routed_scores(std::span<const RoutedSample> samples, int percent, uint64_t seed,
                                  int folds) {
  return Router(samples, seed, folds).scores(percent);
}

std::vector<double> routed_times(std::span<const RoutedSample> samples, int percent, uint64_t seed,
                                 int folds) {
  return Router(samples, seed, folds).times(percent);
}

std::vector<double> routed_costs(std::span<const RoutedSample> samples, int percent, uint64_t seed,
                                 int folds) {
  return Router(samples, seed, folds).costs(percent);
}

Estimate share_estimate(std::span<const RoutedSample> samples, int percent, uint64_t seed, int folds) {
  if (samples.empty()) return {};
  const Router router(samples, seed, folds);
  const std::vector<double> sent = router.sent(percent);
  Estimate out = router.repeats() ? clustered_estimate(sent, router.documents()) : mean_estimate(sent);
  if (percent == 0 || percent == kSteps) out.lo = out.hi = out.value;
  return out;
}

Estimate share_for_estimate(std::span<const RoutedSample> samples, double part, uint64_t seed, int folds) {
  const RoutingFrontier frontier = routing_frontier(samples, seed, folds);
  const std::optional<double> share = share_for(frontier, part);
  Estimate out{share.value_or(kNoNumber), kNoNumber, kNoNumber, static_cast<int64_t>(samples.size())};
  if (!share || !models_differ(frontier)) return out;
  const Router router(samples, seed, folds);
  const Estimate interval = router.repeats() ? bootstrap_share(router.gap_rows(), router.documents(), part)
                                             : bootstrap_share(router.gap_rows(), part);
  return {out.value, interval.lo, interval.hi, out.n};
}

Estimate saving_estimate(std::span<const RoutedSample> samples, int percent, uint64_t seed, int folds) {
  const Router router(samples, seed, folds);
  std::vector<double> saved = router.costs(percent);
  for (size_t i = 0; i < saved.size(); ++i) saved[i] = samples[i].large_cost - saved[i];
  if (!router.repeats()) return paired_bootstrap(saved, std::vector<double>(saved.size(), 0.0));
  return clustered_bca_bootstrap(
      router.documents(),
      [&](std::span<const int64_t> rows) {
        double sum = 0.0;
        for (const int64_t row : rows) sum += saved[static_cast<size_t>(row)];
        return sum / static_cast<double>(rows.size());
      },
      affordable({}, static_cast<int64_t>(saved.size())));
}

Estimate apgr_estimate(std::span<const RoutedSample> samples, uint64_t seed, int folds) {
  const RoutingFrontier frontier = routing_frontier(samples, seed, folds);
  Estimate out{frontier.apgr, kNoNumber, kNoNumber, static_cast<int64_t>(samples.size())};
  if (!models_differ(frontier)) return out;
  const Router router(samples, seed, folds);
  std::vector<double> gained = router.areas(frontier.points);
  std::vector<double> gap;
  for (size_t i = 0; i < samples.size(); ++i) {
    gained[i] -= samples[i].small;
    gap.push_back(samples[i].large - samples[i].small);
  }
  if (!router.repeats()) {
    const Interval interval = retention(gained, gap).bootstrap;
    return {out.value, interval.lo, interval.hi, out.n};
  }
  const Estimate estimate = clustered_bca_bootstrap(router.documents(), [&](std::span<const int64_t> rows) {
    double above = 0.0;
    double below = 0.0;
    for (const int64_t row : rows) {
      above += gained[static_cast<size_t>(row)];
      below += gap[static_cast<size_t>(row)];
    }
    return above / below;
  });
  return {out.value, estimate.lo, estimate.hi, out.n};
}

}  // namespace sizeup
