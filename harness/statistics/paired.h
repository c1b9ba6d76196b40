// Two models on the same samples, always paired. Differences are a - b: candidate first, baseline second.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/statistics/interval.h"

namespace sizeup {

// The 2x2 table of paired right/wrong answers.
struct PairedCounts {
  int64_t both = 0;    // a and b right
  int64_t only_a = 0;  // a right, b wrong: a win
  int64_t only_b = 0;  // a wrong, b right: a loss
  int64_t neither = 0;

  int64_t n() const { return both + only_a + only_b + neither; }
  double difference() const;   // (only_a - only_b) / n; NaN for n = 0
  double discordance() const;  // (only_a + only_b) / n; NaN for n = 0
};

bool all_binary(std::span<const double> values);  // every value is exactly 0 or 1

// Counts two vectors of 0/1 values of the same length.
PairedCounts paired_counts(std::span<const double> a, std::span<const double> b);

// McNemar's exact two-sided p: min(1, 2 P(X <= min(only_a, only_b))), X ~ Binomial(only_a + only_b, 1/2).
// 1 when no pair is discordant.
double mcnemar_exact(int64_t only_a, int64_t only_b);

// Its mid-p form (Fagerland, Lydersen, Laake 2013): 2 P(X <= k) - P(X = k), k = min(only_a, only_b).
double mcnemar_mid_p(int64_t only_a, int64_t only_b);

// Tango's score interval (Tango 1998, Statistics in Medicine 17:891) for the difference of paired proportions
// (only_a - only_b) / n: the differences D that the score statistic does not reject at this confidence.
// No interval for n = 0.
Interval tango_interval(int64_t only_a, int64_t only_b, int64_t n, double confidence = kConfidence);

// How a compares with b on the same samples.
struct PairedDifference {
  double difference = kNoNumber;  // mean of a - b
  double lo = kNoNumber;          // NaN when there is no interval
  double hi = kNoNumber;
  double p = kNoNumber;      // two-sided, of no difference; NaN when it cannot be tested
  double mid_p = kNoNumber;  // McNemar's mid-p; NaN unless the scores are binary and not clustered
  int64_t wins = 0;          // pairs with a > b
  int64_t ties = 0;
  int64_t losses = 0;
  int64_t n = 0;
  // Of one pair's a - b, in the large-sample sense: n times the squared standard error. For binary scores
  // discordance - difference^2. What a sample-size estimate needs.
  double variance = kNoNumber;
  double confidence = kConfidence;
  std::string method;  // "Tango score interval, exact McNemar test", ...; for tables

  bool has_interval() const { return lo <= hi; }
};

// Binary scores: Tango's interval and McNemar's exact p. Otherwise the paired t interval and test, except
// that differences that are all the same, of scores within [0, 1], get constant_interval over [-1, 1]. a and
// b have the same length and order. n = 0, or n = 1 with other than 0/1 scores: no interval.
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b,
                                   double confidence = kConfidence);

// The same of binary scores that were counted.
PairedDifference paired_difference(const PairedCounts& counts, double confidence = kConfidence);

// The same for samples that come in clusters: t interval and test with clustered_standard_error and C - 1
// degrees, for binary scores too.
PairedDifference clustered_paired_difference(std::span<const double> a, std::span<const double> b,
                                             std::span<const int64_t> clusters,
                                             double confidence = kConfidence);

// Holm's step-down adjustment (Holm 1979): adjusted p-values in the order given, each at most 1.
// Comparing them with alpha keeps the chance of any false finding below alpha. NaN stays NaN and is not
// counted.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace sizeup
