// Small model first: a request goes on to the large model where the small one is unsure. What any share of
// requests sent on would give, from the answers of both to the same samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/statistics/interval.h"
#include "harness/statistics/paired.h"

namespace sizeup {

struct RoutedSample {
  double confidence = 0.0;  // that small's answer will do, 0..1; whatever it is made of
  double small = 0.0;       // scores, 0..1
  double large = 0.0;
  int64_t document = 0;
  double small_cost = kNoNumber;  // of a request
  double large_cost = kNoNumber;
  double small_ms = kNoNumber;  // to the full answer
  double large_ms = kNoNumber;
};

struct RoutePoint {
  double share = 0.0;      // of the samples, sent on
  double threshold = 0.0;  // send on what has less confidence; infinity where everything is
  Estimate accuracy;
  PairedDifference against_large;  // minus the large model alone
  double cost = kNoNumber;         // mean of a request: small always, large where sent on
  double p95_ms = kNoNumber;       // one after the other where sent on; of the samples with both times
};

struct RoutingFrontier {
  // For 0, 1, ... 100 percent sent on. `threshold` is what to use: that of all samples. Everything else is of
  // samples each of which was routed by the threshold of the other folds, so that none had a part in the
  // choice that it judges. Equal confidences are sent on together or not at all.
  std::vector<RoutePoint> points;
  std::vector<double> oracle;  // accuracy at the same shares if sent on where that helps most
  double small = kNoNumber;    // mean scores
  double large = kNoNumber;
  double area = kNoNumber;  // under accuracy over share, by trapezoids
  double apgr = kNoNumber;  // (area - small) / (large - small): 1/2 is drawing lots; NaN where they are equal
};

inline constexpr int kRoutingFolds = 10;

// All samples of a document are in one fold, which depends on nothing but the two numbers.
size_t routing_fold(int64_t document, uint64_t seed = 1, int folds = kRoutingFolds);

// Empty without samples. Intervals are those of a mean and of a paired difference, over documents where they
// repeat.
RoutingFrontier routing_frontier(std::span<const RoutedSample> samples, uint64_t seed = 1,
                                 int folds = kRoutingFolds);

// CPT: the least share sent on at which accuracy reaches small + part * (large - small). Nothing where no
// share does, or large is not better.
std::optional<double> share_for(const RoutingFrontier& frontier, double part);

// The point with the least share that is shown to lose less than the margin against the large model alone:
// its difference's interval lies above -margin, and so do those of all points above it. Testing from 100
// percent down to the first that fails keeps the error of one test (fixed sequence; Maurer, Hothorn,
// Lehmacher 1995), where picking the best of 101 would not. Nothing where even 100 percent is not shown to
// be.
std::optional<size_t> least_share_within(const RoutingFrontier& frontier, double margin);

// Each sample's score when this many percent are sent on, as the frontier has it.
std::vector<double> routed_scores(std::span<const RoutedSample> samples, int percent, uint64_t seed = 1,
                                  int folds = kRoutingFolds);

// Each sample's time when this many percent are sent on, of those with both times.
std::vector<double> routed_times(std::span<const RoutedSample> samples, int percent, uint64_t seed = 1,
                                 int folds = kRoutingFolds);

// Each sample's cost when this many percent are sent on.
std::vector<double> routed_costs(std::span<const RoutedSample> samples, int percent, uint64_t seed = 1,
                                 int folds = kRoutingFolds);

// The share that is sent on at this percent, with the interval of a proportion: what the thresholds, as they
// are, send on of other samples. Exact at 0 and 100, where no threshold decides.
Estimate share_estimate(std::span<const RoutedSample> samples, int percent, uint64_t seed = 1,
                        int folds = kRoutingFolds);

// share_for with a percentile bootstrap interval over samples, or documents where they repeat, thresholds as
// they are. No value where share_for has none, no interval where large is not shown to differ from small.
Estimate share_for_estimate(std::span<const RoutedSample> samples, double part, uint64_t seed = 1,
                            int folds = kRoutingFolds);

// What a request costs less than with large alone when this many percent are sent on: BCa over samples, or
// documents where they repeat, thresholds as they are. NaN where a cost is unknown.
Estimate saving_estimate(std::span<const RoutedSample> samples, int percent, uint64_t seed = 1,
                         int folds = kRoutingFolds);

// The frontier's apgr with a BCa interval over samples, or documents where they repeat, thresholds as they
// are. No interval where large is not shown to differ from small: the gap could be nothing.
Estimate apgr_estimate(std::span<const RoutedSample> samples, uint64_t seed = 1, int folds = kRoutingFolds);

}  // namespace sizeup
