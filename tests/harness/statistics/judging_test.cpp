// Simulated judges whose truth is known: noise, a preference for a place, replies without a verdict.
#include "harness/statistics/judging.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random/counter_random.h"

namespace sizeup {
namespace {

JudgedCell straight(std::vector<double> scores, size_t judge = 0) {
  return {judge, false, std::move(scores), 0};
}
JudgedCell swapped(std::vector<double> scores, size_t judge = 0) {
  return {judge, true, std::move(scores), 0};
}

TEST(DocumentScore, CountsEveryJudgeAndEveryOrderAlike) {
  const JudgedDocument alone{"a", 0, {straight({1.0, 0.5, 0.0}), straight({0.25}, 1)}};
  EXPECT_DOUBLE_EQ(document_score(alone, JudgedAs::alone), (0.5 + 0.25) / 2);
  // Two of three verdicts of one order were unparsed: the other order still counts half.
  const JudgedDocument pair{"b", 0, {straight({1.0, 1.0, 1.0}), swapped({0.0})}};
  EXPECT_DOUBLE_EQ(document_score(pair, JudgedAs::pairs), 0.5);
  // A judge that decided one order only has no say: its place may have decided for it.
  const JudgedDocument half{"c", 0, {straight({1.0}), straight({0.0}, 1), swapped({0.5}, 1)}};
  EXPECT_DOUBLE_EQ(document_score(half, JudgedAs::pairs), 0.25);
  EXPECT_TRUE(std::isnan(document_score({"d", 0, {straight({1.0}), swapped({})}}, JudgedAs::pairs)));
}

TEST(JudgedMean, NoiseShareIsTheVarianceOfTheRepeatsInThatOfTheMean) {
  // Scores 0.5 and 1 vary by 0.125; the repeats' means by 0.5 / 2 and 0, which is 0.125 on average.
  const std::vector<JudgedDocument> documents = {{"a", 0, {straight({0.0, 1.0})}},
                                                 {"b", 1, {straight({1.0, 1.0})}}};
  const JudgedMean out = judged_mean(documents, JudgedAs::alone);
  EXPECT_DOUBLE_EQ(out.mean.value, 0.75);
  EXPECT_DOUBLE_EQ(out.noise_share, 1.0);
  const std::vector<JudgedDocument> apart = {{"a", 0, {straight({0.0, 0.2})}},
                                             {"b", 1, {straight({1.0, 1.0})}}};
  EXPECT_NEAR(judged_mean(apart, JudgedAs::alone).noise_share, (0.01 / 2) / (0.81 / 2), 1e-12);
  const std::vector<JudgedDocument> once = {{"a", 0, {straight({0.0})}}, {"b", 1, {straight({1.0})}}};
  EXPECT_TRUE(std::isnan(judged_mean(once, JudgedAs::alone).noise_share));
}

TEST(JudgedMean, DocumentsWithoutAScoreAreCounted) {
  std::vector<JudgedDocument> documents = {
      {"a", 0, {straight({1.0})}}, {"b", 1, {straight({})}}, {"c", 2, {straight({0.0})}}};
  const JudgedMean out = judged_mean(documents, JudgedAs::alone);
  EXPECT_EQ(out.without_score, 1);
  EXPECT_EQ(out.mean.n, 2);
  EXPECT_DOUBLE_EQ(out.mean.value, 0.5);
}

// A judge of pairs: the candidate is truly better on a document with probability `better`; the verdict is the
// truth, but with probability `noise` it is a coin, and with probability `first` the answer shown first.
struct SimulatedJudge {
  double better = 0.5;
  double noise = 0.0;
  double first = 0.0;
  double unparsed = 0.0;  // of verdicts for the answer that was shown second

  double verdict(bool candidate_is_better, bool swap, uint64_t seed, uint64_t place) const {
    const auto draw = [&](uint64_t of) { return uniform(seed, of, place); };
    if (draw(1) < first) return swap ? 0.0 : 1.0;
    if (draw(2) < noise) return draw(3) < 0.5 ? 0.0 : 1.0;
    return candidate_is_better ? 1.0 : 0.0;
  }

  std::vector<JudgedDocument> judge(int documents, int repeats, uint64_t seed) const {
    std::vector<JudgedDocument> out;
    for (int d = 0; d < documents; ++d) {
      const bool candidate_is_better = uniform(seed, 100, static_cast<uint64_t>(d)) < better;
      JudgedDocument& document = out.emplace_back(JudgedDocument{std::to_string(d), d, {}});
      for (const bool swap : {false, true}) {
        JudgedCell cell{0, swap, {}, 0};
        for (int r = 0; r < repeats; ++r) {
          const uint64_t place = static_cast<uint64_t>((d * repeats + r) * 2 + (swap ? 1 : 0));
          const double score = verdict(candidate_is_better, swap, seed, place);
          const bool for_second = (score == 0.0) != swap;
          if (for_second && uniform(seed, 4, place) < unparsed) {
            ++cell.unparsed;
          } else {
            cell.scores.push_back(score);
          }
        }
        document.cells.push_back(std::move(cell));
      }
    }
    return out;
  }
};

struct Coverage {
  double held = 0.0;
  double width = 0.0;
  double noise_share = 0.0;
};

Coverage coverage(const SimulatedJudge& judge, int repeats, double truth) {
  constexpr int kDataSets = 1000;
  Coverage out;
  for (int i = 0; i < kDataSets; ++i) {
    const JudgedMean one =
        judged_mean(judge.judge(80, repeats, static_cast<uint64_t>(i + 1)), JudgedAs::pairs);
    out.held += one.mean.lo <= truth && truth <= one.mean.hi;
    out.width += one.mean.hi - one.mean.lo;
    out.noise_share += one.noise_share;
  }
  return {out.held / kDataSets, out.width / kDataSets, out.noise_share / kDataSets};
}

// A coin in 60 % of the verdicts draws the win rate to one half: 0.4 x 0.7 + 0.6 x 0.5. Were the verdicts
// taken as so many samples, the interval would be too narrow for the documents; were each document's majority
// taken as certain, for the judge.
TEST(JudgedMean, IntervalHoldsTheTruth95TimesIn100HoweverOftenItIsAsked) {
  const SimulatedJudge judge{.better = 0.7, .noise = 0.6};
  const Coverage once = coverage(judge, 1, 0.58);
  const Coverage five = coverage(judge, 5, 0.58);
  for (const Coverage& one : {once, five}) {
    EXPECT_GE(one.held, 0.93);
    EXPECT_LE(one.held, 0.97);
  }
  EXPECT_LT(five.width, 0.8 * once.width);
  // Of a document's score: the documents' variance 0.4^2 x 0.21, and ten verdicts of variance 0.7 x 0.3.
  const double documents = 0.16 * 0.21;
  const double judges = 0.7 * 0.3 / 10.0;
  EXPECT_NEAR(five.noise_share, judges / (judges + documents), 0.03);
}

TEST(PositionBias, AFairJudgeIsAccusedNoMoreThanStated) {
  for (const double better : {0.5, 0.8}) {
    const SimulatedJudge judge{.better = better, .noise = 0.3};
    constexpr int kDataSets = 1000;
    int accused = 0;
    for (int i = 0; i < kDataSets; ++i) {
      const auto documents = judge.judge(60, 3, static_cast<uint64_t>(i + 1));
      const Estimate bias = position_bias(documents, 0);
      accused += bias.lo > 0.0 || bias.hi < 0.0;
    }
    EXPECT_LE(accused, 0.065 * kDataSets) << better;
  }
}

TEST(PositionBias, APlantedOneIsFoundAndMeasured) {
  const SimulatedJudge judge{.better = 0.8, .noise = 0.2, .first = 0.3};
  constexpr int kDataSets = 300;
  int found = 0;
  int held = 0;
  for (int i = 0; i < kDataSets; ++i) {
    const Estimate bias = position_bias(judge.judge(60, 3, static_cast<uint64_t>(i + 1)), 0);
    found += bias.lo > 0.0;
    held += bias.lo <= 0.3 && 0.3 <= bias.hi;
  }
  EXPECT_GE(found, 0.99 * kDataSets);
  EXPECT_GE(held, 0.92 * kDataSets);
  // Both orders asked, it leaves the win rate fair: 0.7 x (0.8 x 0.8 + 0.2 x 0.5) + 0.3 x 0.5.
  EXPECT_GE(coverage(judge, 3, 0.7 * 0.74 + 0.15).held, 0.93);
}

TEST(PositionBias, EndsWhereAJudgeAlwaysNamesOnePlace) {
  const auto first = SimulatedJudge{.first = 1.0}.judge(50, 2, 1);
  const Estimate bias = position_bias(first, 0);
  EXPECT_DOUBLE_EQ(bias.value, 1.0);
  EXPECT_GT(bias.lo, 0.8);
  EXPECT_DOUBLE_EQ(same_in_both_orders(first, 0).value, 0.0);
  const auto fair = SimulatedJudge{.better = 0.7}.judge(50, 2, 1);
  EXPECT_DOUBLE_EQ(position_bias(fair, 0).value, 0.0);
  EXPECT_DOUBLE_EQ(same_in_both_orders(fair, 0).value, 1.0);
  EXPECT_EQ(position_bias(fair, 1).n, 0) << "another judge";
}

// Half of the verdicts for the second place are lost: pooled, the first place would look preferred, and the
// win rate would lean to whichever order lost more.
TEST(JudgedMean, UnparsedVerdictsAreCountedAndDoNotTiltTheOrders) {
  const auto documents = SimulatedJudge{.better = 0.5, .unparsed = 0.5}.judge(400, 4, 3);
  int64_t unparsed = 0;
  for (const JudgedDocument& document : documents) {
    for (const JudgedCell& cell : document.cells) unparsed += cell.unparsed;
  }
  EXPECT_NEAR(static_cast<double>(unparsed), 400 * 8 / 4.0, 80.0);
  EXPECT_DOUBLE_EQ(position_bias(documents, 0).value, 0.0);
  EXPECT_NEAR(judged_mean(documents, JudgedAs::pairs).mean.value, 0.5, 0.06);
}

TEST(Ratings, OfRepeatsAndOfJudges) {
  const std::vector<JudgedDocument> documents = {
      {"a", 0, {straight({1.0, 0.5}), swapped({0.0}), straight({1.0}, 1), swapped({1.0}, 1)}},
      {"b", 1, {straight({1.0})}}};
  EXPECT_EQ(repeated_ratings(documents, 0), (std::vector<UnitRatings>{{1.0, 0.5, 0.0}, {1.0}}));
  EXPECT_EQ(judges_ratings(documents, 2, JudgedAs::pairs), (std::vector<UnitRatings>{{0.375, 1.0}, {}}));
}

}  // namespace
}  // namespace sizeup
