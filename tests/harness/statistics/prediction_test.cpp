#include "harness/statistics/prediction.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace sizeup {
namespace {

Estimate proportion(int64_t hits, int64_t n) {
  const Interval interval = wilson_interval(hits, n);
  return {static_cast<double>(hits) / static_cast<double>(n), interval.lo, interval.hi, n};
}

// Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: intervals of the difference of two
// proportions. An observation is as far from the end of its range as the difference is from that end.
struct Published {
  int64_t observed, of_observed, predicted, of_predicted;
  double lo, hi;
};

TEST(PredictionInterval, IsThePublishedIntervalOfADifference) {
  for (const Published& one :
       std::array{Published{56, 70, 48, 80, 0.0524, 0.3339}, Published{9, 10, 3, 10, 0.1705, 0.8090},
                  Published{6, 7, 2, 7, 0.0582, 0.8062}, Published{5, 56, 0, 29, -0.0381, 0.1926}}) {
    const Estimate observed = proportion(one.observed, one.of_observed);
    const Estimate predicted = proportion(one.predicted, one.of_predicted);
    const Interval range = prediction_interval(predicted, observed);
    const double difference = observed.value - predicted.value;
    EXPECT_NEAR(range.hi - predicted.value, difference - one.lo, 6e-5) << one.observed;
    EXPECT_NEAR(predicted.value - range.lo, one.hi - difference, 6e-5) << one.observed;
    const bool outside = observed.value < range.lo || observed.value > range.hi;
    EXPECT_EQ(outside, one.lo > 0.0 || one.hi < 0.0) << one.observed;
  }
}

TEST(PredictionInterval, NeedsBothIntervals) {
  const Estimate known = proportion(5, 10);
  const Estimate lone{0.5, kNoNumber, kNoNumber, 1};
  EXPECT_TRUE(std::isnan(prediction_interval(known, lone).lo));
  EXPECT_TRUE(std::isnan(prediction_interval(lone, known).hi));
}

// A prediction that is certain leaves the chance of the observation alone, and the other way round.
TEST(PredictionInterval, HasTheErrorOfBoth) {
  const Estimate certain{0.5, 0.5, 0.5, 1'000'000};
  const Estimate rough{0.5, 0.4, 0.7, 50};
  EXPECT_NEAR(prediction_interval(certain, rough).lo, 0.5 - 0.2, 1e-12);
  EXPECT_NEAR(prediction_interval(certain, rough).hi, 0.5 + 0.1, 1e-12);
  EXPECT_NEAR(prediction_interval(rough, certain).lo, 0.4, 1e-12);
  EXPECT_NEAR(prediction_interval(rough, certain).hi, 0.7, 1e-12);
}

}  // namespace
}  // namespace sizeup
