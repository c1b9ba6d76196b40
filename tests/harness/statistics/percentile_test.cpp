#include "harness/statistics/percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

std::vector<double> one_to(int64_t n) {
  std::vector<double> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(Percentile, AgreesWithNumpy) {
  for (const Json& c : statistics_golden().at("percentiles")) {
    const auto values = doubles(c.at("values"));
    for (const Json& p : c.at("percentiles")) {
      EXPECT_NEAR(percentile(values, p.at(0).get<double>()), p.at(1).get<double>(), 1e-10);
    }
  }
}

TEST(Percentile, NothingHasNone) {
  EXPECT_TRUE(std::isnan(percentile({}, 50)));
}

TEST(PercentileInterval, AgreesWithScipysQuantileTest) {
  for (const Json& c : statistics_golden().at("order_statistics")) {
    SCOPED_TRACE(c.dump());
    std::vector<double> values = one_to(c.at("n").get<int64_t>());
    std::reverse(values.begin(), values.end());
    const Estimate e =
        percentile_estimate(values, c.at("percent").get<double>(), c.at("confidence").get<double>());
    const auto expect_end = [](double end, const Json& expected) {
      if (expected.is_null()) {
        EXPECT_TRUE(std::isnan(end));
      } else {
        EXPECT_EQ(end, expected.get<double>());
      }
    };
    expect_end(e.lo, c.at("low"));
    expect_end(e.hi, c.at("high"));
  }
}

TEST(PercentileInterval, FewValuesLeaveTheTailOpen) {
  const Estimate e = percentile_estimate(one_to(100), 99);
  EXPECT_TRUE(std::isnan(e.hi));
  EXPECT_FALSE(e.has_interval());
  EXPECT_FALSE(percentile_estimate({}, 50).has_interval());
}

TEST(EarlyStopping, AgreesWithTheBetaFunctionSearchedOneByOne) {
  for (const Json& c : statistics_golden().at("early_stopping")) {
    EXPECT_EQ(minimum_queries_below(c.at("percent").get<double>(), c.at("over").get<int64_t>()),
              c.at("below").get<int64_t>())
        << c.dump();
  }
}

TEST(EarlyStopping, AsksForTheNumbersThatMlperfStates) {
  EXPECT_EQ(minimum_queries(90), 64);
  EXPECT_EQ(minimum_queries(99), 662);
  EXPECT_FALSE(enough_queries(661, 99));
  EXPECT_TRUE(enough_queries(662, 99));
}

TEST(EarlyStopping, EstimateIsTheLargestLatencyThatMayBeExceeded) {
  EXPECT_EQ(early_stopping_estimate(one_to(63), 90), std::nullopt);
  EXPECT_EQ(early_stopping_estimate(one_to(64), 90), 64);  // one query may lie at or above it
  const int64_t two = minimum_queries_below(90, 2) + 2;
  EXPECT_EQ(early_stopping_estimate(one_to(two - 1), 90), static_cast<double>(two - 1));
  EXPECT_EQ(early_stopping_estimate(one_to(two), 90), static_cast<double>(two - 1));
  // With many queries it comes down to the percentile itself, from above.
  const double estimate = early_stopping_estimate(one_to(100'000), 90).value();
  EXPECT_GT(estimate, 90'000);
  EXPECT_LT(estimate, 90'500);
}

}  // namespace
}  // namespace sizeup
