#include "harness/statistics/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/harness/statistics/golden.h"
#include "tests/harness/statistics/stated.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-12;
constexpr double kQuantileError = 1e-9;

TEST(ReliabilityBins, AreArraySplitsUnlessConfidencesAreEqual) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const std::vector<ReliabilityBin> bins = reliability_bins(c.answers);
    const Json& expected = c.expected["bins"];
    ASSERT_EQ(bins.size(), expected.size());
    for (size_t i = 0; i < bins.size(); ++i) {
      EXPECT_EQ(bins[i].n, expected[i][0].get<int64_t>());
      EXPECT_EQ(bins[i].right, expected[i][1].get<int64_t>());
      EXPECT_NEAR(bins[i].confidence, expected[i][2].get<double>(), kTolerance);
      EXPECT_NEAR(bins[i].interval.lo, expected[i][3].get<double>(), kTolerance);
      EXPECT_NEAR(bins[i].interval.hi, expected[i][4].get<double>(), kTolerance);
    }
  }
}

TEST(ReliabilityBins, DoNotDependOnTheOrderOfTheAnswers) {
  for (StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const std::vector<ReliabilityBin> bins = reliability_bins(c.answers);
    std::reverse(c.answers.begin(), c.answers.end());
    const std::vector<ReliabilityBin> again = reliability_bins(c.answers);
    ASSERT_EQ(again.size(), bins.size());
    for (size_t i = 0; i < bins.size(); ++i) {
      EXPECT_EQ(again[i].n, bins[i].n);
      EXPECT_EQ(again[i].right, bins[i].right);
    }
  }
}

TEST(ReliabilityBins, OneConfidenceIsOneBin) {
  std::vector<StatedAnswer> answers(50, StatedAnswer{0.75, true, 0});
  answers[3].right = false;
  const std::vector<ReliabilityBin> bins = reliability_bins(answers);
  ASSERT_EQ(bins.size(), 1u);
  EXPECT_EQ(bins[0].n, 50);
  EXPECT_DOUBLE_EQ(bins[0].share_right(), 0.98);
  EXPECT_TRUE(reliability_bins({}).empty());
}

TEST(CalibrationError, AgreesWithNumpy) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const Estimate error = calibration_error(c.answers);
    const Json& expected = c.expected["ece"];
    EXPECT_NEAR(error.value, expected["value"].get<double>(), kTolerance);
    EXPECT_NEAR(calibration_error(reliability_bins(c.answers)), error.value, kTolerance);
    // Ends of 1,000 resamples against those of 40,000.
    EXPECT_NEAR(error.lo, expected["interval"][0].get<double>(),
                4 * expected["monte_carlo"][0].get<double>());
    EXPECT_NEAR(error.hi, expected["interval"][1].get<double>(),
                4 * expected["monte_carlo"][1].get<double>());
    EXPECT_EQ(error.n, static_cast<int64_t>(c.answers.size()));
  }
}

TEST(CalibrationError, ByChanceIsTheMeanOverModelsThatAreRightAsStated) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    // One answer a bin is far from normal: |deviation| is then c (1 - c) twice, not sqrt(2/pi c (1 - c)).
    const double tolerance = c.name == "few" ? 0.2 : 0.03;
    const double expected = c.expected["chance"].get<double>();
    EXPECT_NEAR(chance_calibration_error(c.answers), expected, tolerance * expected);
  }
}

TEST(CalibrationError, OfCalibratedAnswersIsWhatChanceGives) {
  double sum = 0.0;
  double chance = 0.0;
  constexpr int kDataSets = 200;
  for (int i = 0; i < kDataSets; ++i) {
    const std::vector<StatedAnswer> answers = simulated(500, 1.0, static_cast<uint64_t>(i + 1));
    sum += calibration_error(reliability_bins(answers));
    chance += chance_calibration_error(answers);
  }
  EXPECT_NEAR(sum / chance, 1.0, 0.03);
  EXPECT_NEAR(sum / kDataSets, 0.04, 0.01);  // far from none: why the report prints both
}

// From perfectly calibrated, where the value is all chance, to far off.
TEST(CalibrationError, IntervalHoldsTheTruth95TimesIn100) {
  for (const double sharpness : {1.0, 1.3, 2.0, 4.0}) {
    SCOPED_TRACE(sharpness);
    const double truth =
        sharpness == 1.0 ? 0.0 : calibration_error(reliability_bins(simulated(400'000, sharpness, 99)));
    int held = 0;
    constexpr int kDataSets = 400;
    for (int i = 0; i < kDataSets; ++i) {
      const Estimate error =
          calibration_error(simulated(400, sharpness, static_cast<uint64_t>(i + 1)), {300});
      held += error.lo <= truth && truth <= error.hi;
    }
    EXPECT_GE(held, 0.92 * kDataSets);
    EXPECT_LE(held, 0.98 * kDataSets);
  }
}

// The two intervals of the error meet where one takes over from the other.
TEST(CalibrationError, ManyAnswersHaveTheAnalyticIntervalAtTheSamePlace) {
  const Estimate resampled = calibration_error(simulated(20'000, 2.0, 5));
  const Estimate analytic = calibration_error(simulated(20'001, 2.0, 5));
  EXPECT_NEAR(analytic.value, resampled.value, 1e-3);
  EXPECT_NEAR(analytic.lo, resampled.lo, 2e-3);
  EXPECT_NEAR(analytic.hi, resampled.hi, 2e-3);
  EXPECT_NE(analytic.lo, resampled.lo);
}

TEST(BrierScore, AgreesWithScikitLearnAndScipy) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const Estimate brier = brier_score(c.answers);
    EXPECT_NEAR(brier.value, c.expected["brier"]["value"].get<double>(), kTolerance);
    expect_interval(brier.lo, brier.hi, c.expected["brier"]["interval"], kQuantileError);
  }
}

TEST(Overconfidence, AgreesWithScipyAndWithStatsmodelsWhereDocumentsRepeat) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(has_repeats(c.answers), c.name == "documents");
    const Estimate over = overconfidence(c.answers);
    EXPECT_NEAR(over.value, c.expected["overconfidence"]["value"].get<double>(), kTolerance);
    expect_interval(over.lo, over.hi, c.expected["overconfidence"]["interval"], kQuantileError);
  }
}

TEST(HasRepeats, DenseAndSparseNumbers) {
  std::vector<StatedAnswer> answers{{0.5, true, -3}, {0.5, true, 9}, {0.5, true, 4}};
  EXPECT_FALSE(has_repeats(answers));
  EXPECT_FALSE(has_repeats({}));
  answers.push_back({0.5, true, 9});
  EXPECT_TRUE(has_repeats(answers));
  answers.push_back({0.5, true, std::numeric_limits<int64_t>::max()});
  answers.push_back({0.5, true, std::numeric_limits<int64_t>::min()});
  EXPECT_TRUE(has_repeats(answers));
  answers[3].document = 8;
  EXPECT_FALSE(has_repeats(answers));
}

TEST(Overconfidence, HasTheSignOfTheGap) {
  EXPECT_GT(overconfidence(std::vector<StatedAnswer>{{0.9, false, 0}, {0.9, true, 1}}).value, 0.0);
  EXPECT_LT(overconfidence(std::vector<StatedAnswer>{{0.6, true, 0}, {0.9, true, 1}}).value, 0.0);
  EXPECT_TRUE(std::isnan(overconfidence({}).value));
}

}  // namespace
}  // namespace sizeup
