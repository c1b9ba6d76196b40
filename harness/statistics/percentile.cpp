#include "harness/statistics/percentile.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {
namespace {

std::vector<double> sorted_copy(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double percentile_of_sorted(std::span<const double> sorted, double percent) {
  if (sorted.empty()) return kNoNumber;
  const double position = static_cast<double>(sorted.size() - 1) * percent / 100;
  const auto below = static_cast<size_t>(position);
  const double share = position - static_cast<double>(below);
  if (share == 0) return sorted[below];
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

// The smallest k with P(X <= k) >= p.
int64_t binomial_quantile(int64_t n, double chance, double p) {
  using RoundUp = boost::math::policies::policy<
      boost::math::policies::discrete_quantile<boost::math::policies::integer_round_up>>;
  const boost::math::binomial_distribution<double, RoundUp> distribution(static_cast<double>(n), chance);
  return static_cast<int64_t>(boost::math::quantile(distribution, p));
}

}  // namespace

double percentile(std::span<const double> values, double percent) {
  require(percent >= 0 && percent <= 100, "a percentile lies between 0 and 100");
  return percentile_of_sorted(sorted_copy(values), percent);
}

Estimate percentile_estimate(std::span<const double> values, double percent, double confidence) {
  require(percent > 0 && percent < 100, "a percentile with an interval lies between 0 and 100");
  const std::vector<double> sorted = sorted_copy(values);
  const auto n = static_cast<int64_t>(sorted.size());
  Estimate estimate{percentile_of_sorted(sorted, percent), kNoNumber, kNoNumber, n};
  if (n == 0) return estimate;
  const double tail = (1 - confidence) / 2;
  const int64_t lower = binomial_quantile(n, percent / 100, tail);          // counted from 1
  const int64_t upper = binomial_quantile(n, percent / 100, 1 - tail) + 1;  // counted from 1
  if (lower >= 1) estimate.lo = sorted[static_cast<size_t>(lower - 1)];
  if (upper <= n) estimate.hi = sorted[static_cast<size_t>(upper - 1)];
  return estimate;
}

int64_t minimum_queries_below(double percent, int64_t over, double confidence) {
  require(percent > 0 && percent < 100, "a percentile to claim lies between 0 and 100");
  require(over >= 0, "a count is not negative");
  const auto enough = [&](int64_t below) {
    return boost::math::ibeta(static_cast<double>(below), 1 + static_cast<double>(over), percent / 100) <=
           1 - confidence;
  };
  int64_t high = 1;
  while (!enough(high)) high *= 2;
  int64_t low = high / 2;  // not enough, or 0
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

int64_t minimum_queries(double percent, double confidence) {
  return minimum_queries_below(percent, 1, confidence) + 1;
}

bool enough_queries(int64_t n, double percent, double confidence) {
  return n >= minimum_queries(percent, confidence);
}

std::optional<double> early_stopping_estimate(std::span<const double> values, double percent,
                                              double confidence) {
  const auto n = static_cast<int64_t>(values.size());
  const auto fits = [&](int64_t over) {
    return minimum_queries_below(percent, over, confidence) + over <= n;
  };
  if (!fits(1)) return std::nullopt;
  int64_t low = 1;   // fits
  int64_t high = n;  // does not: below needs at least one query
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return sorted_copy(values)[static_cast<size_t>(n - low)];
}

}  // namespace sizeup
