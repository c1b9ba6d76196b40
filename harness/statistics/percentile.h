// Percentiles of latencies, their intervals, and how many queries a claim about a tail needs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "harness/statistics/interval.h"

namespace sizeup {

// The percentile by linear interpolation between order statistics at position (n - 1) * percent / 100
// (Hyndman and Fan 1996, type 7; numpy's default). percent in [0, 100]; values in any order. NaN when empty.
double percentile(std::span<const double> values, double percent);

// The percentile with a distribution-free interval between two order statistics: x_(l) and x_(u) with l and u
// - 1 the (1 -+ confidence) / 2 quantiles of Binomial(n, percent / 100). An end beyond the sample is NaN: too
// few values. Estimate::n is the number of values.
Estimate percentile_estimate(std::span<const double> values, double percent, double confidence = kConfidence);

inline constexpr double kEarlyStoppingConfidence = 0.99;  // MLPerf LoadGen's

// MLPerf LoadGen's early-stopping rule: with `over` queries above the limit, the least number of queries
// below it that shows, at this confidence, that the percentile is below the limit: the smallest h with
// I_{percent/100}(h, 1 + over) <= 1 - confidence (I: regularised incomplete beta function).
int64_t minimum_queries_below(double percent, int64_t over, double confidence = kEarlyStoppingConfidence);

// The least number of queries for which LoadGen gives any estimate of this percentile: one query may lie
// above, so minimum_queries_below(percent, 1) + 1. 64 for p90, 662 for p99.
int64_t minimum_queries(double percent, double confidence = kEarlyStoppingConfidence);

// False: print "not enough queries" in place of the percentile.
bool enough_queries(int64_t n, double percent, double confidence = kEarlyStoppingConfidence);

// The percentile estimate that LoadGen reports, which is never too low at this confidence: the t-th largest
// latency, t being the most queries that may lie above it by the rule. Nothing when there are not enough
// queries.
std::optional<double> early_stopping_estimate(std::span<const double> values, double percent,
                                              double confidence = kEarlyStoppingConfidence);

}  // namespace sizeup
