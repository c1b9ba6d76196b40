#include "harness/statistics/selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/harness/statistics/golden.h"
#include "tests/harness/statistics/stated.h"

namespace sizeup {
namespace {

TEST(Auroc, AgreesWithScikitLearnAndDeLongsDefinition) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const Estimate area = auroc(c.answers);
    EXPECT_NEAR(area.value, c.expected["auroc"]["value"].get<double>(), 1e-12);
    expect_interval(area.lo, area.hi, c.expected["auroc"]["interval"], 1e-9);
  }
}

TEST(Auroc, TiesAreACoin) {
  EXPECT_EQ(auroc(std::vector<StatedAnswer>{{0.5, true, 0}, {0.5, false, 1}, {0.5, true, 2}}).value, 0.5);
}

// DeLong's variance is 0 then, which would claim certainty after two answers of each kind.
TEST(Auroc, PerfectlyApartIsAsSureAsItsDisjointPairs) {
  std::vector<StatedAnswer> apart{{0.9, true, 0}, {0.8, true, 1}, {0.2, false, 2}, {0.1, false, 3}};
  apart.push_back({0.7, true, 4});
  EXPECT_EQ(auroc(apart).value, 1.0);
  EXPECT_EQ(auroc(apart).lo, wilson_interval(2, 2).lo);
  EXPECT_EQ(auroc(apart).hi, 1.0);
  for (StatedAnswer& answer : apart) answer.right = !answer.right;
  EXPECT_EQ(auroc(apart).value, 0.0);
  EXPECT_EQ(auroc(apart).hi, wilson_interval(0, 2).hi);
}

TEST(Auroc, HasNoIntervalFromOneOfAKind) {
  const std::vector<StatedAnswer> one_wrong{{0.9, true, 0}, {0.3, true, 1}, {0.4, false, 2}};
  EXPECT_EQ(auroc(one_wrong).value, 0.5);
  EXPECT_FALSE(auroc(one_wrong).has_interval());
  EXPECT_TRUE(std::isnan(auroc(std::vector<StatedAnswer>(5, StatedAnswer{0.7, true, 0})).value));
  EXPECT_TRUE(std::isnan(auroc({}).value));
}

TEST(Auroc, DependsOnTheOrderAlone) {
  std::vector<StatedAnswer> answers = simulated(500, 1.0, 3);
  const Estimate before = auroc(answers);
  for (StatedAnswer& answer : answers) answer.confidence = std::pow(answer.confidence, 7.0) / 3.0;
  const Estimate after = auroc(answers);
  EXPECT_EQ(after.value, before.value);
  EXPECT_EQ(after.lo, before.lo);
  EXPECT_EQ(after.hi, before.hi);
}

TEST(Auroc, IntervalHoldsTheTruth95TimesIn100) {
  const double truth = auroc(simulated(400'000, 1.0, 99)).value;
  int held = 0;
  constexpr int kDataSets = 1000;
  for (int i = 0; i < kDataSets; ++i) {
    const Estimate area = auroc(simulated(150, 1.0, static_cast<uint64_t>(i + 1)));
    held += area.lo <= truth && truth <= area.hi;
  }
  EXPECT_GE(held, 0.935 * kDataSets);
  EXPECT_LE(held, 0.97 * kDataSets);
}

TEST(RiskCoverage, AgreesWithTryingEveryThreshold) {
  for (const StatedCase& c : stated_golden()) {
    SCOPED_TRACE(c.name);
    const std::vector<RiskPoint> curve = risk_coverage(c.answers);
    const Json& expected = c.expected["risk"];
    ASSERT_EQ(curve.size(), expected["points"].size());
    for (size_t i = 0; i < curve.size(); ++i) {
      EXPECT_EQ(curve[i].confidence, expected["points"][i][0].get<double>());
      EXPECT_EQ(curve[i].answered, expected["points"][i][1].get<int64_t>());
      EXPECT_EQ(curve[i].wrong, expected["points"][i][2].get<int64_t>());
    }
    EXPECT_NEAR(risk_coverage_area(curve), expected["area"].get<double>(), 1e-12);
  }
}

TEST(RiskCoverage, PointsAreFoundByShareAndByRisk) {
  // 2 of 4 right at 0.9, wrong at 0.8, right at 0.6 and 0.5: risks 2/4, 3/5, 3/6, 3/7.
  std::vector<StatedAnswer> answers(4, StatedAnswer{0.9, true, 0});
  answers[0].right = answers[1].right = false;
  answers.insert(answers.end(), {{0.8, false, 0}, {0.6, true, 0}, {0.5, true, 0}});
  const std::vector<RiskPoint> curve = risk_coverage(answers);
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_EQ(point_at_coverage(curve, 0.0).answered, 4);
  EXPECT_EQ(point_at_coverage(curve, 4.0 / 7.0).answered, 4);
  EXPECT_EQ(point_at_coverage(curve, 0.6).answered, 5);
  EXPECT_EQ(point_at_coverage(curve, 1.0).answered, 7);
  EXPECT_EQ(most_answers_within(curve, 0.43)->answered, 7);
  EXPECT_EQ(most_answers_within(std::span(curve).first(3), 0.5)->answered, 6);
  EXPECT_EQ(most_answers_within(curve, 0.42), nullptr);
  EXPECT_TRUE(std::isnan(risk_coverage_area({})));
}

TEST(RiskCoverage, ShareOfAHundredIsNotRoundedUp) {
  std::vector<StatedAnswer> answers;
  for (int i = 0; i < 100; ++i) answers.push_back({0.005 * i, true, i});
  const std::vector<RiskPoint> curve = risk_coverage(answers);
  for (int percent = 1; percent <= 100; ++percent)
    EXPECT_EQ(point_at_coverage(curve, percent / 100.0).answered, percent);
}

}  // namespace
}  // namespace sizeup
