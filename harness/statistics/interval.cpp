#include "harness/statistics/interval.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "core/errors/result.h"

namespace sizeup {
namespace {

double two_sided_z(double confidence) {
  return normal_quantile(0.5 + confidence / 2);
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

// Mean -+ t * se; `independent` is the number of independent observations: samples, or clusters.
Estimate mean_with_t(std::span<const double> values, double se, int64_t independent, double confidence) {
  Estimate estimate{mean(values), kNoNumber, kNoNumber, static_cast<int64_t>(values.size())};
  if (independent < 2) return estimate;
  const double half = t_quantile(0.5 + confidence / 2, static_cast<double>(independent - 1)) * se;
  estimate.lo = estimate.value - half;
  estimate.hi = estimate.value + half;
  return estimate;
}

bool all_same_within_unit(std::span<const double> values) {
  return !values.empty() && values[0] >= 0 && values[0] <= 1 &&
         std::all_of(values.begin(), values.end(), [&](double x) { return x == values[0]; });
}

struct ClusteredError {
  double standard_error = kNoNumber;
  int64_t clusters = 0;
};

ClusteredError clustered_error(std::span<const double> values, std::span<const int64_t> clusters) {
  require(values.size() == clusters.size(), "every value belongs to a cluster");
  const double centre = mean(values);
  std::map<int64_t, double> sums;
  for (size_t i = 0; i < values.size(); ++i) sums[clusters[i]] += values[i] - centre;
  const auto count = static_cast<double>(sums.size());
  if (sums.size() < 2) return {kNoNumber, static_cast<int64_t>(sums.size())};
  double squares = 0;
  for (const auto& [cluster, sum] : sums) squares += sum * sum;
  return {std::sqrt(squares * count / (count - 1)) / static_cast<double>(values.size()),
          static_cast<int64_t>(sums.size())};
}

}  // namespace

double normal_quantile(double p) {
  require(p > 0 && p < 1, "a quantile's probability lies between 0 and 1");
  return boost::math::quantile(boost::math::normal(), p);
}

double t_quantile(double p, double degrees) {
  require(p > 0 && p < 1, "a quantile's probability lies between 0 and 1");
  require(degrees > 0, "Student's t needs degrees of freedom");
  return boost::math::quantile(boost::math::students_t(degrees), p);
}

Interval wilson_interval(int64_t successes, int64_t n, double confidence) {
  require(successes >= 0 && successes <= n, "successes lie between 0 and n");
  if (n == 0) return {};
  const double z = two_sided_z(confidence);
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(successes) / count;
  const double centre = (static_cast<double>(successes) + z * z / 2) / (count + z * z);
  const double half = z * std::sqrt(count) / (count + z * z) * std::sqrt(p * (1 - p) + z * z / (4 * count));
  // Rounding must not put an end outside [0, 1], nor the extreme proportions outside their own interval.
  return {successes == 0 ? 0.0 : std::max(0.0, centre - half),
          successes == n ? 1.0 : std::min(1.0, centre + half)};
}

Interval constant_interval(double value, int64_t n, double lowest, double highest, double confidence) {
  require(lowest <= value && value <= highest, "the value lies in its range");
  if (n == 0) return {};
  const double z = two_sided_z(confidence);
  const double other = z * z / (static_cast<double>(n) + z * z);
  return {value - other * (value - lowest), value + other * (highest - value)};
}

double mean(std::span<const double> values) {
  if (values.empty()) return kNoNumber;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_error(std::span<const double> values) {
  if (values.size() < 2) return kNoNumber;
  const double centre = mean(values);
  double squares = 0;
  for (const double x : values) squares += (x - centre) * (x - centre);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1) / n);
}

Estimate t_estimate(std::span<const double> values, double confidence) {
  return mean_with_t(values, standard_error(values), static_cast<int64_t>(values.size()), confidence);
}

Estimate mean_estimate(std::span<const double> values, double confidence) {
  const auto n = static_cast<int64_t>(values.size());
  if (!all_finite(values)) return {kNoNumber, kNoNumber, kNoNumber, n};
  if (std::all_of(values.begin(), values.end(), [](double x) { return x == 0 || x == 1; })) {
    const auto [lo, hi] = wilson_interval(std::count(values.begin(), values.end(), 1.0), n, confidence);
    return {mean(values), lo, hi, n};
  }
  if (n >= 2 && all_same_within_unit(values)) {
    const auto [lo, hi] = constant_interval(values[0], n, 0, 1, confidence);
    return {values[0], lo, hi, n};
  }
  return t_estimate(values, confidence);
}

double clustered_standard_error(std::span<const double> values, std::span<const int64_t> clusters) {
  return clustered_error(values, clusters).standard_error;
}

Estimate clustered_estimate(std::span<const double> values, std::span<const int64_t> clusters,
                            double confidence) {
  const auto [error, count] = clustered_error(values, clusters);
  if (!all_finite(values)) {
    return {kNoNumber, kNoNumber, kNoNumber, static_cast<int64_t>(values.size())};
  }
  if (count >= 2 && all_same_within_unit(values)) {
    const auto [lo, hi] = constant_interval(values[0], count, 0, 1, confidence);
    return {values[0], lo, hi, static_cast<int64_t>(values.size())};
  }
  return mean_with_t(values, error, count, confidence);
}

namespace {

// `value` with t and N - k degrees; no interval where N <= k or an error is unknown.
Estimate group_with_t(double value, double error, int64_t total, size_t tasks, double confidence) {
  Estimate estimate{value, kNoNumber, kNoNumber, total};
  const double degrees = static_cast<double>(total) - static_cast<double>(tasks);
  if (degrees <= 0) return estimate;
  const double half = t_quantile(0.5 + confidence / 2, degrees) * error;
  estimate.lo = value - half;
  estimate.hi = value + half;
  return estimate;
}

}  // namespace

double pooled_error(std::span<const GroupMember> members) {
  double pooled = 0;
  double count = 0;
  for (const GroupMember& member : members) {
    const auto n = static_cast<double>(member.n);
    pooled += (n - 1) * member.standard_error * member.standard_error * n;
    count += n;
  }
  return std::sqrt(pooled / (count - static_cast<double>(members.size())) / count);
}

double unweighted_error(std::span<const GroupMember> members) {
  double squares = 0;
  for (const GroupMember& member : members) squares += member.standard_error * member.standard_error;
  return std::sqrt(squares) / static_cast<double>(members.size());
}

Estimate group_estimate(std::span<const GroupMember> members, double confidence) {
  double weighted = 0;
  int64_t total = 0;
  for (const GroupMember& member : members) {
    weighted += member.value * static_cast<double>(member.n);
    total += member.n;
  }
  if (total == 0) return {};
  return group_with_t(weighted / static_cast<double>(total), pooled_error(members), total, members.size(),
                      confidence);
}

Estimate unweighted_group_estimate(std::span<const GroupMember> members, double confidence) {
  double sum = 0;
  int64_t total = 0;
  for (const GroupMember& member : members) {
    sum += member.value;
    total += member.n;
  }
  if (total == 0) return {};
  return group_with_t(sum / static_cast<double>(members.size()), unweighted_error(members), total,
                      members.size(), confidence);
}

}  // namespace sizeup
