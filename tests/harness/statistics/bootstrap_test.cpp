#include "harness/statistics/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

// Standard errors of an end: 1 for our 10,000 resamples and 0.22 for the oracle's 200,000, together 1.02.
constexpr double kMonteCarlo = 4 * 1.02;

double mean_of(const std::vector<double>& values, std::span<const int64_t> rows) {
  double sum = 0;
  for (const int64_t row : rows) sum += values[static_cast<size_t>(row)];
  return sum / static_cast<double>(rows.size());
}

double variance_of(const std::vector<double>& values, std::span<const int64_t> rows) {
  const double centre = mean_of(values, rows);
  double sum = 0;
  for (const int64_t row : rows) sum += std::pow(values[static_cast<size_t>(row)] - centre, 2);
  return sum / static_cast<double>(rows.size());
}

void expect_ends(double lo, double hi, const Json& expected) {
  EXPECT_NEAR(lo, expected.at("interval").at(0).get<double>(),
              kMonteCarlo * expected.at("monte_carlo").at(0).get<double>());
  EXPECT_NEAR(hi, expected.at("interval").at(1).get<double>(),
              kMonteCarlo * expected.at("monte_carlo").at(1).get<double>());
}

class Bootstrap : public ::testing::Test {
 protected:
  const Json& golden_ = statistics_golden().at("bootstrap");
  const std::vector<double> values_ = doubles(golden_.at("values"));
  const int64_t n_ = static_cast<int64_t>(values_.size());
  const RowStatistic mean_ = [this](std::span<const int64_t> rows) { return mean_of(values_, rows); };
  const RowStatistic variance_ = [this](std::span<const int64_t> rows) { return variance_of(values_, rows); };
};

TEST_F(Bootstrap, AgreesWithScipyWithinMonteCarloError) {
  const Estimate mean_bca = bca_bootstrap(n_, mean_);
  expect_ends(mean_bca.lo, mean_bca.hi, golden_.at("mean_bca"));
  const Estimate plain = percentile_bootstrap(n_, mean_);
  expect_ends(plain.lo, plain.hi, golden_.at("mean_percentile"));
  // The variance of exponential values is skewed: bias correction and acceleration matter here.
  const Estimate variance_bca = bca_bootstrap(n_, variance_);
  expect_ends(variance_bca.lo, variance_bca.hi, golden_.at("variance_bca"));
}

TEST_F(Bootstrap, OfCountsAgreesWithScipyWhereEveryRowIsDistinct) {
  const std::vector<int64_t> once(values_.size(), 1);
  const Estimate mean_of_counts = percentile_bootstrap(once, [&](std::span<const int64_t> counts) {
    double sum = 0;
    for (size_t i = 0; i < counts.size(); ++i) sum += static_cast<double>(counts[i]) * values_[i];
    return sum / static_cast<double>(n_);
  });
  EXPECT_EQ(mean_of_counts.n, n_);
  expect_ends(mean_of_counts.lo, mean_of_counts.hi, golden_.at("mean_percentile"));
}

// Counts of a resample are multinomial: means n p, covariances n (p [i = j] - p_i p_j).
TEST_F(Bootstrap, OfFewDistinctRowsDrawsMultinomials) {
  const std::vector<int64_t> counts = {3000, 0, 1500, 5500};
  const double n = 10'000;
  std::vector<std::vector<double>> drawn;
  (void)percentile_bootstrap(counts, [&](std::span<const int64_t> resample) {
    EXPECT_EQ(std::accumulate(resample.begin(), resample.end(), int64_t{0}), 10'000);
    drawn.emplace_back(resample.begin(), resample.end());
    return 0.0;
  });
  drawn.erase(drawn.begin());  // the first call is the sample itself
  const auto resamples = static_cast<double>(drawn.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double p_i = static_cast<double>(counts[i]) / n;
      const double p_j = static_cast<double>(counts[j]) / n;
      double sum = 0;
      double products = 0;
      for (const std::vector<double>& row : drawn) {
        sum += row[i] - n * p_i;
        products += (row[i] - n * p_i) * (row[j] - n * p_j);
      }
      const double spread = std::sqrt(n * p_i * (1 - p_i)) * std::sqrt(n * p_j * (1 - p_j));
      EXPECT_NEAR(sum / resamples, 0.0, 4 * std::sqrt(n * p_i * (1 - p_i) / resamples));
      EXPECT_NEAR(products / resamples, n * (i == j ? p_i : 0.0) - n * p_i * p_j,
                  4 * std::sqrt(2.0 / resamples) * spread + 1e-9);
    }
  }
}

TEST_F(Bootstrap, IsTheSameEveryTimeAndChangesWithTheSeed) {
  const Estimate first = bca_bootstrap(n_, mean_);
  const Estimate second = bca_bootstrap(n_, mean_);
  EXPECT_EQ(first.lo, second.lo);
  EXPECT_EQ(first.hi, second.hi);
  BootstrapOptions other;
  other.seed = 2;
  EXPECT_NE(bca_bootstrap(n_, mean_, other).lo, first.lo);
}

TEST_F(Bootstrap, DrawsEveryRowEvenly) {
  std::vector<int64_t> drawn(7, 0);
  int64_t calls = 0;
  (void)percentile_bootstrap(7, [&](std::span<const int64_t> rows) {
    EXPECT_EQ(rows.size(), 7U);
    if (calls++ > 0) {  // the first call is the sample itself
      for (const int64_t row : rows) ++drawn.at(static_cast<size_t>(row));
    }
    return 0.0;
  });
  for (const int64_t count : drawn) EXPECT_NEAR(count, 10'000, 5 * std::sqrt(10'000 * 6.0 / 7));
}

TEST_F(Bootstrap, JackknifeLeavesOutEachRowOnce) {
  std::set<int64_t> left_out;
  (void)bca_bootstrap(5, [&](std::span<const int64_t> rows) {
    if (rows.size() == 4) {
      int64_t missing = 10;
      for (const int64_t row : rows) missing -= row;
      left_out.insert(missing);
    }
    return 0.0;
  });
  EXPECT_EQ(left_out, (std::set<int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(Bootstrap, EdgeCases) {
  EXPECT_TRUE(std::isnan(bca_bootstrap(0, mean_).value));
  EXPECT_FALSE(bca_bootstrap(1, mean_).has_interval());
  const Estimate constant = bca_bootstrap(5, [](std::span<const int64_t>) { return 0.25; });
  EXPECT_EQ(constant.lo, 0.25);
  EXPECT_EQ(constant.hi, 0.25);
  // A statistic that is undefined in a third of the resamples has no interval.
  const RowStatistic fragile = [](std::span<const int64_t> rows) {
    return rows[0] == 0 && rows[1] != 1 ? kNoNumber : 1.0;
  };
  EXPECT_FALSE(percentile_bootstrap(3, fragile).has_interval());
}

TEST_F(Bootstrap, ClustersAreDrawnWhole) {
  const std::vector<int64_t> clusters{5, 5, 9, 9, 9, 2};
  const RowStatistic whole = [](std::span<const int64_t> rows) {
    std::vector<int64_t> times(6, 0);
    for (const int64_t row : rows) ++times[static_cast<size_t>(row)];
    EXPECT_EQ(times[0], times[1]);
    EXPECT_EQ(times[2], times[3]);
    EXPECT_EQ(times[2], times[4]);
    return static_cast<double>(rows.size());
  };
  const Estimate e = clustered_percentile_bootstrap(clusters, whole);
  EXPECT_EQ(e.n, 6);
  EXPECT_EQ(e.value, 6);
  EXPECT_EQ(e.lo, 3);  // three times the smallest cluster
  EXPECT_EQ(e.hi, 9);
}

TEST_F(Bootstrap, ClusteredAgreesWithScipyOverClusters) {
  const Json& golden = statistics_golden().at("clustered_bootstrap");
  const auto values = doubles(golden.at("values"));
  const auto clusters = golden.at("clusters").get<std::vector<int64_t>>();
  const Estimate e =
      clustered_bca_bootstrap(clusters, [&](std::span<const int64_t> rows) { return mean_of(values, rows); });
  EXPECT_EQ(e.n, static_cast<int64_t>(values.size()));
  expect_ends(e.lo, e.hi, golden.at("bca"));
}

TEST_F(Bootstrap, CopiesOfAClustersRowsChangeNothing) {
  std::vector<double> copied = values_;
  copied.insert(copied.end(), values_.begin(), values_.end());
  std::vector<int64_t> clusters;
  for (int64_t i = 0; i < 2 * n_; ++i) clusters.push_back(i % n_);
  const Estimate once = bca_bootstrap(n_, mean_);
  const Estimate twice =
      clustered_bca_bootstrap(clusters, [&](std::span<const int64_t> rows) { return mean_of(copied, rows); });
  EXPECT_NEAR(twice.lo, once.lo, 1e-12);
  EXPECT_NEAR(twice.hi, once.hi, 1e-12);
}

TEST_F(Bootstrap, PairedBootstrapIsNearThePairedTInterval) {
  const auto a = doubles(golden_.at("small"));
  const auto b = doubles(golden_.at("large"));
  std::vector<double> difference;
  for (size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
  const Estimate t = t_estimate(difference);
  const Estimate e = paired_bootstrap(a, b);
  EXPECT_DOUBLE_EQ(e.value, t.value);
  EXPECT_NEAR(e.lo, t.lo, 0.3 * standard_error(difference));
  EXPECT_NEAR(e.hi, t.hi, 0.3 * standard_error(difference));
}

TEST_F(Bootstrap, RetentionAgreesWithScipyAndFieller) {
  const Retention r = retention(doubles(golden_.at("small")), doubles(golden_.at("large")));
  EXPECT_NEAR(r.value, golden_.at("retention").get<double>(), 1e-12);
  expect_ends(r.bootstrap.lo, r.bootstrap.hi, golden_.at("retention_bca"));
  expect_interval(r.fieller.lo, r.fieller.hi, golden_.at("fieller"), 1e-9);
}

TEST_F(Bootstrap, RetentionOfNothingIsUnknown) {
  const Retention none = retention(std::vector{1.0, 0.0, 1.0}, std::vector{0.0, 0.0, 0.0});
  EXPECT_TRUE(std::isnan(none.value));
  EXPECT_TRUE(std::isnan(none.bootstrap.lo));
  EXPECT_TRUE(std::isnan(none.fieller.lo));
  EXPECT_TRUE(std::isnan(retention({}, {}).value));
}

// Many pairs of few kinds, and many that are all different: BCa and Fieller's interval are nearly the same.
TEST(Retention, OfManyPairsIsNearFiellers) {
  for (const double step : {0.0, 1e-7}) {
    std::vector<double> small(60'000);
    std::vector<double> large(60'000);
    for (size_t i = 0; i < small.size(); ++i) {
      const double apart = step * static_cast<double>(i);
      small[i] = (i % 5 < 3 ? 1.0 : 0.0) + apart;
      large[i] = (i % 10 < 8 ? 1.0 : 0.0) + apart;
    }
    const Retention kept = retention(small, large);
    const double width = kept.fieller.hi - kept.fieller.lo;
    EXPECT_EQ(kept.n, 60'000);
    EXPECT_NEAR(kept.value, 0.75, 0.001);
    EXPECT_NEAR(kept.bootstrap.lo, kept.fieller.lo, 0.05 * width);
    EXPECT_NEAR(kept.bootstrap.hi, kept.fieller.hi, 0.05 * width);
  }
}

}  // namespace
}  // namespace sizeup
