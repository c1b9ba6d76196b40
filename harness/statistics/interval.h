// Estimates with intervals: proportions (Wilson), means (Student-t), means of clustered samples, groups of
// tasks. An end that the data cannot give is NaN, never a number; SQLite stores NaN as NULL.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace sizeup {

inline constexpr double kConfidence = 0.95;  // of every two-sided interval unless the caller says otherwise
inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

struct Interval {
  double lo = kNoNumber;
  double hi = kNoNumber;
};

// A number, its interval, and how many samples it rests on.
struct Estimate {
  double value = kNoNumber;  // NaN when n = 0
  double lo = kNoNumber;     // NaN when there is no interval
  double hi = kNoNumber;
  int64_t n = 0;

  bool has_interval() const { return lo <= hi; }  // false for NaN
};

// The p quantile of the standard normal distribution; 0 < p < 1.
double normal_quantile(double p);
// The p quantile of Student's t with this many degrees of freedom (> 0).
double t_quantile(double p, double degrees);

// Wilson's score interval for successes out of n (Wilson 1927; Brown, Cai, DasGupta 2001, formula 4):
// (k + z^2/2) / (n + z^2) -+ z sqrt(n) / (n + z^2) * sqrt(p (1-p) + z^2 / 4n). No interval for n = 0.
Interval wilson_interval(int64_t successes, int64_t n, double confidence = kConfidence);

// Interval for the mean of a quantity known to lie in [lowest, highest] after n observations that were all
// `value`: at most u = z^2 / (n + z^2) of the population differs (Wilson's upper end for 0 of n), and each of
// those moves the mean as far as the range lets it. For value = 1 in [0, 1] this is Wilson's interval for n
// of n. A t interval would have width zero here and claim certainty after two samples.
Interval constant_interval(double value, int64_t n, double lowest, double highest,
                           double confidence = kConfidence);

double mean(std::span<const double> values);  // NaN when empty

// Standard error of the mean: sqrt(sum (x - mean)^2 / (n - 1) / n). NaN for n < 2.
double standard_error(std::span<const double> values);

// Mean with Student-t interval, n - 1 degrees of freedom. No interval for n < 2.
Estimate t_estimate(std::span<const double> values, double confidence = kConfidence);

// The estimate to print for per-sample scores: Wilson when every value is 0 or 1, else Student-t.
// n < 2 values that are not 0/1 have no interval. Values that are all the same and lie in [0, 1] get
// constant_interval. A value that is not finite makes the whole estimate NaN: it is not a score.
Estimate mean_estimate(std::span<const double> values, double confidence = kConfidence);

// Standard error of the mean of samples that come in clusters (several samples from one document,
// conversation or customer): sqrt( sum_c (sum of deviations in c)^2 * C / (C - 1) ) / n with C clusters
// (Liang and Zeger 1986; Miller 2024, "Adding error bars to evals", with the C/(C-1) correction). NaN for C
// < 2. clusters[i] says which cluster values[i] belongs to; any numbers, in any order.
double clustered_standard_error(std::span<const double> values, std::span<const int64_t> clusters);

// Mean with the interval from clustered_standard_error and t with C - 1 degrees of freedom.
Estimate clustered_estimate(std::span<const double> values, std::span<const int64_t> clusters,
                            double confidence = kConfidence);

// One task of a group (mmlu's subjects).
struct GroupMember {
  double value = 0.0;
  double standard_error = 0.0;
  int64_t n = 0;
};

// Standard errors of a group as lm-evaluation-harness has them (api/metrics.py): of the size-weighted mean,
// sqrt( sum( (n_i - 1) se_i^2 n_i ) / (N - k) / N ) (pooled_sample_stderr), and of the plain mean of the k
// values, sqrt( sum se_i^2 ) / k (unweighted_mean_stderr). Not finite where there is none.
double pooled_error(std::span<const GroupMember> members);
double unweighted_error(std::span<const GroupMember> members);

// Size-weighted mean of k tasks with the pooled error, and t with N - k degrees. No interval where N <= k.
Estimate group_estimate(std::span<const GroupMember> members, double confidence = kConfidence);

// The same with every task counting alike.
Estimate unweighted_group_estimate(std::span<const GroupMember> members, double confidence = kConfidence);

}  // namespace sizeup
