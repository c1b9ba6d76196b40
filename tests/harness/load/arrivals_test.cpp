#include "harness/load/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/random/counter_random.h"

namespace sizeup {
namespace {

std::vector<double> gaps(const std::vector<double>& times) {
  std::vector<double> out;
  double before = 0.0;
  for (const double time : times) {
    out.push_back(time - before);
    before = time;
  }
  return out;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Moments m;
  for (const double value : values) m.mean += value / n;
  for (const double value : values) m.variance += (value - m.mean) * (value - m.mean) / n;
  return m;
}

// A gamma distribution with this mean has variance mean^2 / shape.
TEST(Arrivals, GapsHaveTheStatedRateAndBurstiness) {
  constexpr size_t kCount = 20'000;
  for (const double burstiness : {0.2, 1.0, 4.0}) {
    const Moments m = moments(gaps(arrival_times(kCount, 50.0, burstiness, 1)));
    const double error = 20.0 / std::sqrt(burstiness * kCount);
    EXPECT_NEAR(m.mean, 20.0, 4 * error) << burstiness;
    EXPECT_NEAR(m.variance * burstiness / 400.0, 1.0, 0.12) << burstiness;
  }
}

// Kolmogorov and Smirnov: beyond 1.63 / sqrt(n) in one of a hundred samples.
TEST(Arrivals, WithBurstinessOneTheyArePoisson) {
  constexpr size_t kCount = 20'000;
  std::vector<double> all = gaps(arrival_times(kCount, 10.0, 1.0, 2));
  std::sort(all.begin(), all.end());
  double distance = 0.0;
  for (size_t i = 0; i < kCount; ++i) {
    const double expected = 1.0 - std::exp(-all[i] / 100.0);
    distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / kCount));
  }
  EXPECT_LT(distance, 1.63 / std::sqrt(kCount));
}

TEST(Arrivals, AVeryEvenStreamIsEven) {
  for (const double gap : gaps(arrival_times(100, 4.0, 1e6, 3))) EXPECT_NEAR(gap, 250.0, 2.0);
}

TEST(Arrivals, DependOnTheSeedAndOnNothingElse) {
  const std::vector<double> ten = arrival_times(10, 5.0, 0.7, 4);
  const std::vector<double> twenty = arrival_times(20, 5.0, 0.7, 4);
  EXPECT_TRUE(std::equal(ten.begin(), ten.end(), twenty.begin()));
  EXPECT_NE(ten, arrival_times(10, 5.0, 0.7, 5));
  EXPECT_TRUE(std::is_sorted(twenty.begin(), twenty.end()));
  const std::vector<double> slower = arrival_times(10, 2.5, 0.7, 4);
  for (size_t i = 0; i < 10; ++i) EXPECT_NEAR(slower[i], 2 * ten[i], 1e-9 * slower[i]);
}

}  // namespace
}  // namespace sizeup
