#include "harness/statistics/temperature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "harness/statistics/selection.h"
#include "tests/harness/statistics/golden.h"
#include "tests/harness/statistics/stated.h"

namespace sizeup {
namespace {

TEST(Temperature, AgreesWithStatsmodelsLogitWithoutConstant) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const Temperature fitted = fit_temperature(c.answers);
    const Json& expected = c.expected["temperature"];
    EXPECT_NEAR(fitted.value, expected["value"].get<double>(), 1e-8 * fitted.value);
    expect_interval(fitted.interval.lo, fitted.interval.hi, expected["interval"], 1e-6 * fitted.interval.hi);
  }
}

TEST(Temperature, IsTheSharpness) {
  for (const double sharpness : {0.5, 1.0, 2.0, 4.0}) {
    const Temperature fitted = fit_temperature(simulated(20'000, sharpness, 7));
    EXPECT_LT(fitted.interval.lo, sharpness);
    EXPECT_GT(fitted.interval.hi, sharpness);
    EXPECT_NEAR(fitted.value, sharpness, 0.05 * sharpness);
  }
}

TEST(Temperature, IntervalHoldsTheTruth95TimesIn100) {
  int held = 0;
  constexpr int kDataSets = 1000;
  for (int i = 0; i < kDataSets; ++i) {
    const Temperature fitted = fit_temperature(simulated(300, 2.0, static_cast<uint64_t>(i + 1)));
    held += fitted.interval.lo <= 2.0 && 2.0 <= fitted.interval.hi;
  }
  EXPECT_GE(held, 0.93 * kDataSets);
  EXPECT_LE(held, 0.97 * kDataSets);
}

TEST(Temperature, OfManyAnswersIsFittedOnSome) {
  const std::vector<StatedAnswer> many = simulated(100'000, 2.0, 8);
  std::vector<StatedAnswer> every_third;
  for (size_t i = 0; i < many.size(); i += 3) every_third.push_back(many[i]);
  EXPECT_EQ(fit_temperature(many).value, fit_temperature(every_third).value);
  EXPECT_NEAR(fit_temperature(many).value, 2.0, 0.05);
  EXPECT_EQ(cross_fitted(many).size(), many.size());
}

TEST(Temperature, StaysWithinItsBounds) {
  // Right where it is unsure and wrong where it is sure: the best 1/T is below zero.
  const std::vector<StatedAnswer> upside_down{
      {0.9, false, 0}, {0.9, false, 1}, {0.9, true, 2}, {0.2, true, 3}, {0.2, true, 4}};
  EXPECT_EQ(fit_temperature(upside_down).value, kMostTemperature);
  // Right exactly where it is above 1/2: the surer the better.
  const std::vector<StatedAnswer> apart{{0.51, true, 0}, {0.6, true, 1}, {0.49, false, 2}};
  EXPECT_EQ(fit_temperature(apart).value, kLeastTemperature);
  EXPECT_TRUE(std::isnan(fit_temperature(std::vector<StatedAnswer>(9, StatedAnswer{0.9, true, 0})).value));
  EXPECT_TRUE(std::isnan(fit_temperature({}).value));
}

TEST(Temperature, CertainAndWrongIsFinite) {
  std::vector<StatedAnswer> answers = simulated(1'000, 1.0, 4);
  answers.push_back({1.0, false, 1'000});
  EXPECT_LT(fit_temperature(answers).value, 1.5);
  EXPECT_LT(scaled_confidence(1.0, 2.0), 1.0);
  EXPECT_GT(scaled_confidence(0.0, 2.0), 0.0);
  EXPECT_DOUBLE_EQ(scaled_confidence(0.5, 3.0), 0.5);
  EXPECT_DOUBLE_EQ(scaled_confidence(0.9, 2.0), 0.75);  // logit ln 9, halved: ln 3
}

// What became of an answer changes the temperatures of the others and never its own, nor that of its
// document's other answers.
TEST(CrossFitted, NoAnswerSeesItself) {
  std::vector<StatedAnswer> answers = simulated(200, 2.0, 11);
  for (size_t i = 0; i < answers.size(); ++i) answers[i].document = static_cast<int64_t>(i / 2);
  const std::vector<StatedAnswer> before = cross_fitted(answers);
  for (size_t i = 0; i < answers.size(); i += 2) {
    std::vector<StatedAnswer> other = answers;
    other[i].right = !other[i].right;
    const std::vector<StatedAnswer> after = cross_fitted(other);
    EXPECT_EQ(after[i].confidence, before[i].confidence);
    EXPECT_EQ(after[i + 1].confidence, before[i + 1].confidence);
    int changed = 0;
    for (size_t j = 0; j < answers.size(); ++j) changed += after[j].confidence != before[j].confidence;
    EXPECT_GT(changed, 150);
  }
}

TEST(CrossFitted, EveryAnswerIsScaledAboutAsTheWholeWouldBe) {
  const std::vector<StatedAnswer> answers = simulated(5'000, 2.0, 12);
  const double whole = fit_temperature(answers).value;
  const std::vector<StatedAnswer> scaled = cross_fitted(answers);
  ASSERT_EQ(scaled.size(), answers.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_NEAR(scaled[i].confidence, scaled_confidence(answers[i].confidence, whole), 0.02);
    EXPECT_EQ(scaled[i].right, answers[i].right);
    EXPECT_EQ(scaled[i].document, answers[i].document);
  }
  EXPECT_LT(calibration_error(reliability_bins(scaled)), 0.3 * calibration_error(reliability_bins(answers)));
  EXPECT_LT(brier_score(scaled).value, brier_score(answers).value);
  EXPECT_NEAR(auroc(scaled).value, auroc(answers).value, 0.002);
}

TEST(CrossFitted, FoldsAreOfDocumentAndSeedAlone) {
  std::vector<StatedAnswer> answers = simulated(300, 2.0, 13);
  const std::vector<StatedAnswer> first = cross_fitted(answers);
  const std::vector<StatedAnswer> reseeded = cross_fitted(answers, 2);
  std::reverse(answers.begin(), answers.end());
  const std::vector<StatedAnswer> turned = cross_fitted(answers);
  int same = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(turned[first.size() - 1 - i].confidence, first[i].confidence, 1e-9);
    same += first[i].confidence == reseeded[i].confidence;
  }
  EXPECT_LT(same, 20);
}

// The one wrong answer is in one fold: the others learn from it, its own fold has nothing to learn from.
TEST(CrossFitted, WithoutAFitTheConfidenceStays) {
  std::vector<StatedAnswer> answers;
  for (int i = 0; i < 40; ++i) answers.push_back({0.7, i != 7, i});
  const std::vector<StatedAnswer> scaled = cross_fitted(answers);
  EXPECT_EQ(scaled[7].confidence, 0.7);
  int changed = 0;
  for (const StatedAnswer& answer : scaled) changed += answer.confidence != 0.7;
  EXPECT_GT(changed, 20);
}

}  // namespace
}  // namespace sizeup
