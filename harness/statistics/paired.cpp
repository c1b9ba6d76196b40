#include "harness/statistics/paired.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <set>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// Standardised distance between the observed difference and D, with the variance estimated under D: Tango's
// score statistic. q is the maximum-likelihood probability of a loss when the difference is D.
double tango_score(double only_a, double only_b, double n, double difference) {
  const double a = 2 * n;
  const double b = -only_a - only_b + (2 * n - only_a + only_b) * difference;
  const double c = -only_b * difference * (1 - difference);
  const double root = std::sqrt(std::max(0.0, b * b - 4 * a * c));
  // The larger root of a q^2 + b q + c, in the form that does not subtract nearly equal numbers.
  const double q = b > 0 ? -2 * c / (b + root) : (root - b) / (2 * a);
  const double variance = n * std::max(0.0, 2 * q + difference * (1 - difference));
  const double distance = only_a - only_b - n * difference;
  if (distance == 0) return 0;
  return distance / std::sqrt(variance);  // variance 0: infinitely far, which is what the bisection needs
}

// Where the score, which falls as D grows, passes `target` between lo and hi.
double tango_end(double only_a, double only_b, double n, double target, double lo, double hi) {
  constexpr int kHalvings = 60;  // 2 * 2^-60 is below the rounding of a double near 1
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (lo + hi) / 2;
    (tango_score(only_a, only_b, n, middle) > target ? lo : hi) = middle;
  }
  return (lo + hi) / 2;
}

double two_sided_t(double t, double degrees) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::abs(t)));
}

std::vector<double> differences(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "paired scores have the same length");
  std::vector<double> result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), std::minus<>());
  return result;
}

PairedDifference count_pairs(std::span<const double> difference, double confidence) {
  PairedDifference result;
  result.n = static_cast<int64_t>(difference.size());
  result.difference = mean(difference);
  result.confidence = confidence;
  for (const double d : difference) {
    result.wins += d > 0;
    result.losses += d < 0;
    result.ties += d == 0;
  }
  return result;
}

bool within_unit(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return x >= 0 && x <= 1; });
}

// Interval and test from a standard error of `independent` observations (samples or clusters).
void fill_from_error(PairedDifference& result, double error, int64_t independent) {
  if (!(error >= 0) || independent < 2) return;
  const auto degrees = static_cast<double>(independent - 1);
  const double half = t_quantile(0.5 + result.confidence / 2, degrees) * error;
  result.lo = result.difference - half;
  result.hi = result.difference + half;
  result.variance = error * error * static_cast<double>(result.n);
  // Differences without any spread: a t statistic would be 0/0 or infinite, so the signs alone are tested.
  result.p =
      error > 0 ? two_sided_t(result.difference / error, degrees) : mcnemar_exact(result.wins, result.losses);
}

// Every pair differs by the same amount: no spread to estimate, but no certainty either.
void fill_constant(PairedDifference& result, int64_t independent) {
  const auto [lo, hi] = constant_interval(result.difference, independent, -1, 1, result.confidence);
  result.lo = lo;
  result.hi = hi;
  result.variance = 0;
  result.p = result.difference == 0 ? 1 : mcnemar_exact(independent, 0);
  result.method = "interval for equal differences, sign test";
}

bool all_equal(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [&](double x) { return x == values[0]; });
}

}  // namespace

double PairedCounts::difference() const {
  return n() == 0 ? kNoNumber : static_cast<double>(only_a - only_b) / static_cast<double>(n());
}

double PairedCounts::discordance() const {
  return n() == 0 ? kNoNumber : static_cast<double>(only_a + only_b) / static_cast<double>(n());
}

bool all_binary(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return x == 0 || x == 1; });
}

PairedCounts paired_counts(std::span<const double> a, std::span<const double> b) {
  require(a.size() == b.size(), "paired scores have the same length");
  require(all_binary(a) && all_binary(b), "paired counts need scores of 0 or 1");
  PairedCounts counts;
  for (size_t i = 0; i < a.size(); ++i) {
    counts.both += a[i] == 1 && b[i] == 1;
    counts.only_a += a[i] == 1 && b[i] == 0;
    counts.only_b += a[i] == 0 && b[i] == 1;
    counts.neither += a[i] == 0 && b[i] == 0;
  }
  return counts;
}

double mcnemar_exact(int64_t only_a, int64_t only_b) {
  require(only_a >= 0 && only_b >= 0, "counts are not negative");
  if (only_a + only_b == 0) return 1;
  const boost::math::binomial flips(static_cast<double>(only_a + only_b), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(flips, static_cast<double>(std::min(only_a, only_b))));
}

double mcnemar_mid_p(int64_t only_a, int64_t only_b) {
  require(only_a >= 0 && only_b >= 0, "counts are not negative");
  if (only_a == only_b) return 1;  // 2 P(X <= k) - P(X = k) for the middle k of an even number, by symmetry
  const boost::math::binomial flips(static_cast<double>(only_a + only_b), 0.5);
  const auto fewer = static_cast<double>(std::min(only_a, only_b));
  return 2 * boost::math::cdf(flips, fewer) - boost::math::pdf(flips, fewer);
}

Interval tango_interval(int64_t only_a, int64_t only_b, int64_t n, double confidence) {
  require(only_a >= 0 && only_b >= 0 && only_a + only_b <= n, "discordant pairs are among the n pairs");
  if (n == 0) return {};
  const auto a = static_cast<double>(only_a);
  const auto b = static_cast<double>(only_b);
  const auto count = static_cast<double>(n);
  const double z = normal_quantile(0.5 + confidence / 2);
  const double observed = (a - b) / count;
  return {only_b == n ? -1.0 : tango_end(a, b, count, z, -1, observed),
          only_a == n ? 1.0 : tango_end(a, b, count, -z, observed, 1)};
}

PairedDifference paired_difference(const PairedCounts& counts, double confidence) {
  PairedDifference result;
  result.difference = counts.difference();
  result.wins = counts.only_a;
  result.losses = counts.only_b;
  result.ties = counts.both + counts.neither;
  result.n = counts.n();
  result.confidence = confidence;
  const auto [lo, hi] = tango_interval(counts.only_a, counts.only_b, counts.n(), confidence);
  result.lo = lo;
  result.hi = hi;
  result.variance = counts.discordance() - result.difference * result.difference;
  if (result.n > 0) {
    result.p = mcnemar_exact(counts.only_a, counts.only_b);
    result.mid_p = mcnemar_mid_p(counts.only_a, counts.only_b);
  }
  result.method = "Tango score interval, exact McNemar test";
  return result;
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b, double confidence) {
  if (all_binary(a) && all_binary(b)) return paired_difference(paired_counts(a, b), confidence);
  const std::vector<double> difference = differences(a, b);
  PairedDifference result = count_pairs(difference, confidence);
  result.method = "paired t";
  if (result.n >= 2 && within_unit(a) && within_unit(b) && all_equal(difference)) {
    fill_constant(result, result.n);
  } else {
    fill_from_error(result, standard_error(difference), result.n);
  }
  return result;
}

PairedDifference clustered_paired_difference(std::span<const double> a, std::span<const double> b,
                                             std::span<const int64_t> clusters, double confidence) {
  const std::vector<double> difference = differences(a, b);
  PairedDifference result = count_pairs(difference, confidence);
  const std::set<int64_t> distinct(clusters.begin(), clusters.end());
  const auto independent = static_cast<int64_t>(distinct.size());
  result.method = "paired t over clusters";
  if (independent >= 2 && within_unit(a) && within_unit(b) && all_equal(difference)) {
    fill_constant(result, independent);
  } else {
    fill_from_error(result, clustered_standard_error(difference, clusters), independent);
  }
  return result;
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<double> adjusted(p_values.begin(), p_values.end());
  std::vector<size_t> order;
  for (size_t i = 0; i < adjusted.size(); ++i) {
    if (!std::isnan(adjusted[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return p_values[i] < p_values[j]; });
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, static_cast<double>(order.size() - rank) * p_values[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace sizeup
