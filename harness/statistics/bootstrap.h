// Bootstrap intervals. Which rows a resample holds is a pure function of (seed, resample, draw), so results
// do not depend on threads, order or platform.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "harness/statistics/interval.h"

namespace sizeup {

struct BootstrapOptions {
  int resamples = 10'000;  // of paired_bootstrap and retention fewer above 50,000 rows that are not alike
  uint64_t seed = 1;       // fixed, so that a report printed twice is the same
  double confidence = kConfidence;
};

// The options for samples of n rows that are drawn one by one: from 500 million draws on fewer resamples,
// down to 500. A million rows stay a matter of seconds, and their interval is as good as normal.
BootstrapOptions affordable(BootstrapOptions options, int64_t n);

// A statistic of the sample made of these rows (row numbers 0..n-1, possibly repeated).
using RowStatistic = std::function<double(std::span<const int64_t> rows)>;

// Bias-corrected and accelerated interval (Efron 1987; acceleration from the jackknife). n calls for the
// jackknife and `resamples` more. No interval for n < 2 or where the statistic is undefined (NaN) in more
// than 1 % of the resamples; undefined resamples up to there are left out. A statistic that never varies
// gives lo = hi = value.
Estimate bca_bootstrap(int64_t n, const RowStatistic& statistic, const BootstrapOptions& options = {});

// Percentile interval of the resampled statistics; for set metrics (macro F1, AUROC) whose jackknife says
// little.
Estimate percentile_bootstrap(int64_t n, const RowStatistic& statistic, const BootstrapOptions& options = {});

// A statistic of the sample in which distinct row i occurs counts[i] times.
using CountStatistic = std::function<double(std::span<const int64_t> counts)>;

// The same for a sample whose equal rows are put together: row i occurs counts[i] times. Few distinct rows
// make a resample of a million as cheap as one of a hundred. Estimate::n is the sum of the counts.
Estimate percentile_bootstrap(std::span<const int64_t> counts, const CountStatistic& statistic,
                              const BootstrapOptions& options = {});

// BCa and percentile intervals for rows that come in clusters: whole clusters are drawn, and left out by the
// jackknife. Estimate::n is the number of rows; no interval for one cluster.
Estimate clustered_bca_bootstrap(std::span<const int64_t> clusters, const RowStatistic& statistic,
                                 const BootstrapOptions& options = {});
Estimate clustered_percentile_bootstrap(std::span<const int64_t> clusters, const RowStatistic& statistic,
                                        const BootstrapOptions& options = {});

// BCa interval for the mean of a - b over pairs.
Estimate paired_bootstrap(std::span<const double> a, std::span<const double> b,
                          const BootstrapOptions& options = {});

// How much of the large model's score the small one keeps: mean(small) / mean(large) over the same samples.
struct Retention {
  double value = kNoNumber;  // NaN when the large model's mean is 0
  Interval bootstrap;        // BCa over pairs
  Interval fieller;          // Fieller 1954 with t, n - 1; NaN where unbounded (large mean not apart from 0)
  int64_t n = 0;
};
Retention retention(std::span<const double> small, std::span<const double> large,
                    const BootstrapOptions& options = {});

}  // namespace sizeup
