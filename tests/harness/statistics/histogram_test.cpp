#include "harness/statistics/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sizeup {
namespace {

using testing::ElementsAre;

std::vector<int64_t> counts_of(const std::vector<HistogramBar>& bars) {
  std::vector<int64_t> counts;
  for (const HistogramBar& bar : bars) counts.push_back(bar.count);
  return counts;
}

// numpy.histogram with edges 2^(k/4).
TEST(Histogram, BarsAreAFifthWiderThanTheOneBefore) {
  const double values[] = {1.0, 1.19, 1.2, 2.0, 3.99, 4.0, 37.5, 0.3, 0.3, std::nan("")};
  const std::vector<HistogramBar> bars = log_histogram(values);
  EXPECT_THAT(counts_of(bars), ElementsAre(2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0,
                                           0, 0, 0, 0, 0, 1));
  EXPECT_NEAR(bars.front().from, 0.29730177875068026, 1e-15);
  EXPECT_NEAR(bars.back().to, 38.05462768008707, 1e-12);
  for (size_t i = 1; i < bars.size(); ++i) EXPECT_EQ(bars[i].from, bars[i - 1].to);
}

TEST(Histogram, WhatIsNoTimeNeitherCountsNorTakesMemory) {
  EXPECT_TRUE(log_histogram({}).empty());
  const double none[] = {std::nan("")};
  EXPECT_TRUE(log_histogram(none).empty());
  const double wild[] = {-5.0, 0.0, 1e300, std::numeric_limits<double>::infinity()};
  const std::vector<HistogramBar> bars = log_histogram(wild);
  EXPECT_LT(bars.size(), 200u);
  EXPECT_EQ(bars.front().count, 2);
  EXPECT_EQ(bars.back().count, 2);
}

TEST(Histogram, BarsShowEveryCount) {
  const int64_t counts[] = {0, 1, 50, 100};
  EXPECT_EQ(bars_of(counts), " ▁▄█");
  EXPECT_EQ(bars_of(std::span<const int64_t>{}), "");
  const int64_t nothing[] = {0, 0};
  EXPECT_EQ(bars_of(nothing), "  ");
}

}  // namespace
}  // namespace sizeup
