// Small model first: a request goes on to the large model where the small one is unsure. What any share of
// requests sent on would give, from the answers of both to the same samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/statistics/interval.h"

namespace sizeup {

struct RoutedSample {
  double confidence = 0.0;  // of the small model
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
  double cost = kNoNumber;    // mean of a request: small always, large where sent on
  double p95_ms = kNoNumber;  // one after the other where sent on; of the samples with both times
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

// Empty without samples. Intervals are those of a mean, over documents where they repeat.
RoutingFrontier routing_frontier(std::span<const RoutedSample> samples, uint64_t seed = 1,
                                 int folds = kRoutingFolds);

// CPT: the least share sent on at which accuracy reaches small + part * (large - small). Nothing where no
// share does, or large is not better.
std::optional<double> share_for(const RoutingFrontier& frontier, double part);

}  // namespace sizeup
