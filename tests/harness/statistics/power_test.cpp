#include "harness/statistics/power.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sizeup {
namespace {

// The sample size of Connor's formula for a difference, which the function turns around.
double samples_for(double difference, double discordance, double z_a, double z_b) {
  const double root = z_a * std::sqrt(discordance) + z_b * std::sqrt(discordance - difference * difference);
  return root * root / (difference * difference);
}

TEST(DetectableDifference, InvertsConnorsSampleSize) {
  for (const int64_t n : {20, 100, 630, 5000}) {
    for (const double discordance : {0.1, 0.2, 0.4, 1.0}) {
      const double difference = detectable_difference(n, discordance);
      if (std::isnan(difference)) continue;
      EXPECT_NEAR(samples_for(difference, discordance, 1.959963985, 0.841621234), static_cast<double>(n),
                  1e-6 * static_cast<double>(n))
          << n << " " << discordance;
    }
  }
}

// By hand: 0.2 at n = 500 needs (1.96 * 0.4472 + 0.8416 * sqrt(0.2 - d^2)) / sqrt(500) = 0.0559.
TEST(DetectableDifference, FiveHundredSamplesShowSixPoints) {
  EXPECT_NEAR(detectable_difference(500, 0.2), 0.0559, 0.0001);
}

TEST(DetectableDifference, TooFewSamplesShowNothing) {
  EXPECT_TRUE(std::isnan(detectable_difference(5, 0.1)));
  EXPECT_TRUE(std::isnan(detectable_difference(0, 0.2)));
  EXPECT_TRUE(std::isnan(detectable_difference(100, 0.0)));
}

TEST(DetectableDifference, MoreSamplesOrLessDisagreementShowSmallerOnes) {
  EXPECT_LT(detectable_difference(1000, 0.2), detectable_difference(500, 0.2));
  EXPECT_LT(detectable_difference(500, 0.1), detectable_difference(500, 0.2));
  EXPECT_GT(detectable_difference(500, 0.2, 0.99), detectable_difference(500, 0.2));
}

}  // namespace
}  // namespace sizeup
