#include "harness/statistics/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/random/counter_random.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

constexpr double kAgreementTolerance = 1e-12;

const Json& agreement_golden() {
  static const Json golden = Json::parse(read_whole(golden_folder() / "agreement.json"));
  return golden;
}

std::vector<UnitRatings> units_of(const Json& one) {
  return one.at("units").get<std::vector<UnitRatings>>();
}

TEST(KrippendorffAlpha, AgreesWithTheReferenceAtEveryLevel) {
  for (const auto& [name, one] : agreement_golden().at("alpha").items()) {
    SCOPED_TRACE(name);
    const std::vector<UnitRatings> units = units_of(one);
    EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::nominal), one["nominal"].get<double>(),
                kAgreementTolerance);
    EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::ordinal), one["ordinal"].get<double>(),
                kAgreementTolerance);
    EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::interval), one["interval"].get<double>(),
                kAgreementTolerance);
  }
}

// Krippendorff 2011, section D: the values are printed there to three digits.
TEST(KrippendorffAlpha, IsThatOfThePublishedExample) {
  const std::vector<UnitRatings> units = units_of(agreement_golden().at("alpha").at("krippendorff_2011"));
  EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::nominal), 0.743, 5e-4);
  EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::ordinal), 0.815, 5e-4);
  EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::interval), 0.849, 5e-4);
}

TEST(KrippendorffAlpha, IsNoNumberWhereNothingCanBeTold) {
  EXPECT_TRUE(std::isnan(krippendorff_alpha({}, RatingLevel::nominal)));
  const std::vector<UnitRatings> alone = {{1}, {2}, {}};
  EXPECT_TRUE(std::isnan(krippendorff_alpha(alone, RatingLevel::nominal)));
  const std::vector<UnitRatings> same = {{3, 3}, {3, 3, 3}};
  EXPECT_TRUE(std::isnan(krippendorff_alpha(same, RatingLevel::interval)));
  EXPECT_EQ(alpha_estimate(alone, RatingLevel::nominal).n, 0);
}

TEST(KrippendorffAlpha, DoesNotDependOnTheOrderOfUnitsAndRatings) {
  std::vector<UnitRatings> units = units_of(agreement_golden().at("alpha").at("noisy"));
  const double alpha = krippendorff_alpha(units, RatingLevel::ordinal);
  std::ranges::reverse(units);
  for (UnitRatings& unit : units) std::ranges::reverse(unit);
  EXPECT_NEAR(krippendorff_alpha(units, RatingLevel::ordinal), alpha, kAgreementTolerance);
}

// Three raters who each say the truth with probability 0.8 and otherwise guess among two values.
std::vector<UnitRatings> simulated_ratings(int units, uint64_t seed) {
  std::vector<UnitRatings> out;
  for (int u = 0; u < units; ++u) {
    const auto draw = [&](uint64_t of) { return uniform(seed, of, static_cast<uint64_t>(u)); };
    const double truth = draw(0) < 0.5 ? 0.0 : 1.0;
    UnitRatings& unit = out.emplace_back();
    for (uint64_t rater = 1; rater <= 3; ++rater)
      unit.push_back(draw(rater) < 0.8 ? truth : draw(rater + 10) < 0.5 ? 0.0 : 1.0);
  }
  return out;
}

// Two of these raters agree beyond chance at 0.8 x 0.8.
TEST(AlphaEstimate, IntervalHoldsTheTruth95TimesIn100) {
  constexpr int kDataSets = 400;
  int held = 0;
  for (int i = 0; i < kDataSets; ++i) {
    const Estimate alpha =
        alpha_estimate(simulated_ratings(100, static_cast<uint64_t>(i + 1)), RatingLevel::nominal, {400});
    EXPECT_EQ(alpha.n, 100);
    held += alpha.lo <= 0.64 && 0.64 <= alpha.hi;
  }
  EXPECT_GE(held, 0.92 * kDataSets);
  EXPECT_LE(held, 0.98 * kDataSets);
}

std::vector<LabelledScore> labelled_of(const Json& one) {
  std::vector<LabelledScore> labelled;
  for (size_t i = 0; i < one["judged"].size(); ++i)
    labelled.push_back({one["judged"][i].get<double>(), one["human"][i].get<double>()});
  return labelled;
}

TEST(PredictionPoweredMean, AgreesWithThePapersPackage) {
  for (const auto& [name, one] : agreement_golden().at("powered").items()) {
    SCOPED_TRACE(name);
    const std::vector<double> unlabelled = doubles(one["unlabelled"]);
    const PredictionPowered out = prediction_powered_mean(unlabelled, labelled_of(one));
    EXPECT_NEAR(out.weight, one["weight"].get<double>(), 1e-9);
    EXPECT_NEAR(out.mean.value, one["mean"].get<double>(), kAgreementTolerance);
    expect_interval(out.mean.lo, out.mean.hi, one["interval"], 1e-9);
    EXPECT_EQ(out.mean.n, static_cast<int64_t>(unlabelled.size() + one["judged"].size()));
  }
}

TEST(PredictionPoweredMean, WithoutJudgedScoresIsTheMeanOfTheLabels) {
  const std::vector<LabelledScore> labelled = {{0.0, 1.0}, {1.0, 1.0}, {0.5, 0.25}};
  const PredictionPowered out = prediction_powered_mean({}, labelled);
  const Estimate plain = t_estimate(std::vector<double>{1.0, 1.0, 0.25});
  EXPECT_EQ(out.weight, 0.0);
  EXPECT_DOUBLE_EQ(out.mean.value, plain.value);
  EXPECT_NEAR(out.mean.lo, plain.lo, kAgreementTolerance);
  const std::vector<double> some = {0.5, 0.7};
  EXPECT_TRUE(std::isnan(prediction_powered_mean(some, {}).mean.value));
  EXPECT_FALSE(prediction_powered_mean(some, std::span(labelled).first(1)).mean.has_interval());
}

// A judge that calls 30 % of the wrong answers right: its mean is off by far, the corrected one is not. The
// weight is fitted on the same labels, which costs a little.
TEST(PredictionPoweredMean, CorrectsALenientJudge) {
  constexpr int kDataSets = 4000;
  constexpr double kRight = 0.5;
  int held = 0;
  double judged_sum = 0.0;
  double width = 0.0;
  double plain_width = 0.0;
  for (int i = 0; i < kDataSets; ++i) {
    std::vector<double> unlabelled, human;
    std::vector<LabelledScore> labelled;
    for (uint64_t d = 0; d < 400; ++d) {
      const double right = uniform(static_cast<uint64_t>(i), 1, d) < kRight ? 1.0 : 0.0;
      const double judged = right == 1.0 || uniform(static_cast<uint64_t>(i), 2, d) < 0.3 ? 1.0 : 0.0;
      judged_sum += judged / 400;
      if (d < 60) {
        labelled.push_back({judged, right});
        human.push_back(right);
      } else {
        unlabelled.push_back(judged);
      }
    }
    const Estimate mean = prediction_powered_mean(unlabelled, labelled).mean;
    held += mean.lo <= kRight && kRight <= mean.hi;
    width += mean.hi - mean.lo;
    const Estimate plain = t_estimate(human);
    plain_width += plain.hi - plain.lo;
  }
  EXPECT_NEAR(judged_sum / kDataSets, 0.65, 0.01);
  EXPECT_GE(held, 0.92 * kDataSets);
  EXPECT_LE(held, 0.97 * kDataSets);
  EXPECT_LT(width, 0.85 * plain_width) << "the unlabelled scores make the interval narrower";
}

}  // namespace
}  // namespace sizeup
