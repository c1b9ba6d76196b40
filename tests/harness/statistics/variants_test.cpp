// Expected values from tests/oracles/robustness_golden.py, which enumerates what is sampled here.
#include "harness/statistics/variants.h"

#include <cmath>

#include "core/random/counter_random.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

using Scores = std::vector<std::vector<double>>;

Json robustness_golden() {
  const auto path = (golden_folder() / "robustness.json").string();
  return parse_json(read_file(path).value(), path).value();
}

TEST(VariantSpread, EqualsTheOracle) {
  constexpr double kDraws = 4 * 0.5 / 44.7;  // four standard errors at most of a share of 2,000 shuffles
  const Json golden = robustness_golden();
  for (const Json& expected : golden.at("spreads")) {
    Scores scores;
    for (const Json& way : expected.at("scores")) scores.push_back(doubles(way));
    const VariantSpread spread = variant_spread(scores);
    EXPECT_NEAR(spread.spread, expected.at("spread").get<double>(), 1e-12);
    EXPECT_NEAR(spread.p, expected.at("p").get<double>(), kDraws);
    EXPECT_NEAR(spread.chance, expected.at("chance").get<double>(), 0.005) << "of a deviation of about 0.05";
    expect_interval(spread.interval.lo, spread.interval.hi, expected.at("interval"), 1e-9);
    const std::vector<double> holm_p = doubles(expected.at("holm"));
    for (size_t v = 0; v < holm_p.size(); ++v) EXPECT_NEAR(spread.variants[v + 1].holm_p, holm_p[v], 1e-12);
    const auto n = static_cast<double>(spread.documents);
    EXPECT_NEAR(spread.changed.value * n, expected.at("changed").get<double>(), 1e-9);
    EXPECT_NEAR(spread.always_right.value * n, expected.at("always").get<double>(), 1e-9);
  }
}

TEST(VariantSpread, AModelThatIgnoresThePhrasingHasNone) {
  std::vector<double> scores(100);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = i % 3 == 0 ? 0.0 : 1.0;
  const VariantSpread spread = variant_spread(Scores(5, scores));
  EXPECT_EQ(spread.spread, 0.0);
  EXPECT_EQ(spread.chance, 0.0);
  EXPECT_EQ(spread.p, 1.0);
  EXPECT_EQ(spread.changed.value, 0.0);
  EXPECT_EQ(spread.always_right.value, spread.variants[0].score.value);
  EXPECT_EQ(spread.interval.lo, 0.0);
  EXPECT_GT(spread.interval.hi, 0.0) << "100 documents do not show that there is none at all";
}

TEST(VariantSpread, NamesTheLowestAndTheHighest) {
  const VariantSpread spread = variant_spread(Scores{{1, 1, 0, 0}, {1, 1, 1, 0}, {0, 0, 0, 0.5}});
  EXPECT_EQ(spread.highest, 1U);
  EXPECT_EQ(spread.lowest, 2U);
  EXPECT_DOUBLE_EQ(spread.spread, 0.75 - 0.125);
  EXPECT_EQ(variant_spread(Scores{{}, {}}).documents, 0);
}

// A document is right in a way by a chance of its own, that of the last way lower by `loss`: the truth is a
// spread of `loss`.
Scores simulated(uint64_t data_set, size_t ways, size_t documents, double loss) {
  constexpr uint64_t kSeed = 20261127;
  Scores scores(ways, std::vector<double>(documents));
  uint64_t position = 0;
  for (size_t d = 0; d < documents; ++d) {
    const double chance = loss + (1.0 - loss) * uniform(kSeed, data_set, position++);
    for (size_t v = 0; v < ways; ++v) {
      const double own = chance - (v + 1 == ways ? loss : 0.0);
      scores[v][d] = uniform(kSeed, data_set, position++) < own ? 1.0 : 0.0;
    }
  }
  return scores;
}

// Simulated: a pure function of the seed. 1,000 data sets give a standard error of 0.7 points.
TEST(VariantSpreadSimulation, FalseAlarmsAndCoverage) {
  constexpr int kDataSets = 1000;
  SpreadOptions options;
  options.shuffles = 199;
  int alarms = 0;
  int claims = 0;
  int holm_alarms = 0;
  double spread = 0.0;
  double chance = 0.0;
  for (int i = 0; i < kDataSets; ++i) {
    const VariantSpread found = variant_spread(simulated(static_cast<uint64_t>(i), 6, 80, 0.0), options);
    alarms += found.p <= 0.05;
    claims += found.interval.lo > 0.0;
    bool any = false;
    for (const VariantResult& variant : found.variants) any |= variant.holm_p <= 0.05;
    holm_alarms += any;
    spread += found.spread / kDataSets;
    chance += found.chance / kDataSets;
  }
  EXPECT_LE(alarms, 50 + 21) << "5 % and three standard errors";
  EXPECT_GE(alarms, 20) << "the test is exact but for ties";
  EXPECT_LE(claims, 50 + 21);
  EXPECT_LE(holm_alarms, 50 + 21);
  EXPECT_NEAR(spread, chance, 0.004) << "what chance alone shows";
  EXPECT_GT(spread, 0.05) << "though there is none";
}

TEST(VariantSpreadSimulation, ThePlantedSpreadIsInTheInterval) {
  constexpr int kDataSets = 500;
  SpreadOptions options;
  options.shuffles = 199;
  int held = 0;
  int found_out = 0;
  for (int i = 0; i < kDataSets; ++i) {
    const VariantSpread found = variant_spread(simulated(static_cast<uint64_t>(i), 6, 150, 0.2), options);
    held += found.interval.lo <= 0.2 && 0.2 <= found.interval.hi;
    found_out += found.p <= 0.05 && found.lowest == 5;
  }
  EXPECT_GE(held, 475 - 15) << "95 % less three standard errors";
  EXPECT_GE(found_out, 450);
}

}  // namespace
}  // namespace sizeup
