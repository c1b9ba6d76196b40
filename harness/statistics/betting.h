// An interval for a mean that may be looked at after every sample: whoever stops as soon as it answers the
// question errs no more often than its confidence says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/statistics/interval.h"

namespace sizeup {

struct BettingOptions {
  double lowest = -1.0;  // every value lies in [lowest, highest]: differences of two scores in [0, 1]
  double highest = 1.0;
  double confidence = kConfidence;
  // How many values there are in all, if they are drawn from these without replacement, in random order. The
  // interval is then for the mean of just these, and a point once all are seen. Nothing: the values are
  // independent draws, and the interval is for the mean of what they are drawn from, as in every interval of
  // a whole test set; this is the one to compare with a margin.
  std::optional<int64_t> population;
};

// The hedged capital confidence sequence with predictable plug-in bets (Waudby-Smith and Ramdas 2024,
// "Estimating means of bounded random variables by betting", JRSS B 86:1, section 4.4; without replacement
// section 5). For each possible mean m somebody bets on values above m and somebody on values below, a share
// of their capital that the earlier values suggest; while m is the mean neither becomes rich: with
// probability `confidence` no capital ever exceeds 2 / (1 - confidence). The interval holds the means nobody
// became rich on.
//
// P(the interval fails to hold the mean after any number of values) <= 1 - confidence, and half of it for
// each end, as with a two-sided interval for a fixed number. It is wider than that: this is the price.
class BettingInterval {
 public:
  explicit BettingInterval(const BettingOptions& options = {});

  // Values in the order in which they were seen, which must not depend on what they are.
  void add(double value);
  void add(std::span<const double> values);

  int64_t n() const { return static_cast<int64_t>(scaled_.size()); }

  // The mean of the values so far and its interval now: whole range (and no value) before the first. Takes
  // time in proportion to n.
  Estimate estimate() const;

 private:
  double lower_end(bool mirrored) const;
  double log_capital(double mean, bool mirrored) const;

  BettingOptions options_;
  std::vector<double> scaled_;  // to [0, 1]
  std::vector<double> bets_;    // the share to stake on each value, chosen before it was seen
  double sum_ = 0.0;            // of scaled_
  double squares_ = 0.0;        // of each value's distance from the mean up to it
};

}  // namespace sizeup
