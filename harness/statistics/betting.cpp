#include "harness/statistics/betting.h"

#include <algorithm>
#include <cmath>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// At most this share of what would ruin the one who bets: half, as the paper's authors do. Nobody ever loses
// everything by one value.
constexpr double kMostAtStake = 0.5;

// Before the first value: one imagined observation in the middle, with the largest variance there can be.
constexpr double kPriorMean = 0.5;
constexpr double kPriorVariance = 0.25;

}  // namespace

BettingInterval::BettingInterval(const BettingOptions& options) : options_(options) {
  require(options.lowest < options.highest, "a range has a width");
  require(options.confidence > 0 && options.confidence < 1, "a confidence lies between 0 and 1");
  require(!options.population || *options.population > 0, "a population has members");
}

void BettingInterval::add(double value) {
  require(options_.lowest <= value && value <= options_.highest, "the value lies in its range");
  require(!options_.population || n() < *options_.population, "a population has no further members");
  const auto count = static_cast<double>(n() + 1);  // this value included
  const double variance = (kPriorVariance + squares_) / count;
  bets_.push_back(
      std::sqrt(2 * std::log(2 / (1 - options_.confidence)) / (variance * count * std::log1p(count))));

  const double x = (value - options_.lowest) / (options_.highest - options_.lowest);
  scaled_.push_back(x);
  sum_ += x;
  const double mean_so_far = (kPriorMean + sum_) / (count + 1);
  squares_ += (x - mean_so_far) * (x - mean_so_far);
}

void BettingInterval::add(std::span<const double> values) {
  for (const double value : values) add(value);
}

Estimate BettingInterval::estimate() const {
  const double width = options_.highest - options_.lowest;
  if (n() == 0) return {kNoNumber, options_.lowest, options_.highest, 0};
  const double mean = sum_ / static_cast<double>(n());
  double lo = mean;
  double hi = mean;
  if (n() != options_.population) {
    // The mean itself belongs to the interval: bets made early can look wrong later, and a wider interval
    // errs no more often.
    lo = std::min(mean, lower_end(false));
    hi = std::max(mean, 1 - lower_end(true));
  }
  return {options_.lowest + width * mean, options_.lowest + width * lo, options_.lowest + width * hi, n()};
}

// The means below are those on which betting on larger values made rich: the capital falls as the mean rises.
// Mirrored (1 - x for x) the same search gives the upper end.
double BettingInterval::lower_end(bool mirrored) const {
  const auto count = static_cast<double>(n());
  const double sum = mirrored ? count - sum_ : sum_;
  const double all = options_.population ? static_cast<double>(*options_.population) : 0;
  double low = options_.population ? sum / all : 0;  // as if all that is left were 0
  double high = options_.population ? (sum + all - count) / all : 1;
  const double rich = std::log(2 / (1 - options_.confidence));
  if (log_capital(low, mirrored) < rich) return low;
  if (log_capital(high, mirrored) >= rich) return high;
  constexpr int kHalvings = 50;  // 2^-50 is near the rounding of a double near 1
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (log_capital(middle, mirrored) >= rich ? low : high) = middle;
  }
  return low;
}

double BettingInterval::log_capital(double mean, bool mirrored) const {
  double log_sum = 0;
  double product = 1;  // a logarithm for each value would take most of the time
  double seen = 0;
  double left = options_.population ? static_cast<double>(*options_.population) : 0;
  const double total = left * mean;
  for (size_t i = 0; i < scaled_.size(); ++i) {
    const double x = mirrored ? 1 - scaled_[i] : scaled_[i];
    // Without replacement: the mean of those that are left, if `mean` is that of all.
    const double expected = options_.population ? std::clamp((total - seen) / left, 0.0, 1.0) : mean;
    const double stake = expected > 0 ? std::min(bets_[i], kMostAtStake / expected) : bets_[i];
    product *= 1 + stake * (x - expected);
    seen += x;
    left -= 1;
    if (product < 1e-100 || product > 1e100) {
      log_sum += std::log(product);
      product = 1;
    }
  }
  return log_sum + std::log(product);
}

}  // namespace sizeup
