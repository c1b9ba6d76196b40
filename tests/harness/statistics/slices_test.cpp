// Expected values from tests/oracles/robustness_golden.py (SciPy).
#include "harness/statistics/slices.h"

#include <algorithm>
#include <cmath>

#include "core/random/counter_random.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

TEST(WorstSlice, PEqualsTheOracle) {
  const auto path = (golden_folder() / "robustness.json").string();
  const Json golden = parse_json(read_file(path).value(), path).value();
  for (const Json& expected : golden.at("slices")) {
    const double p = p_of_lower(doubles(expected.at("inside")), doubles(expected.at("outside")));
    EXPECT_NEAR(p / expected.at("p").get<double>(), 1.0, 1e-9);
  }
}

std::vector<double> ones(size_t right, size_t all) {
  std::vector<double> scores(all, 0.0);
  std::fill_n(scores.begin(), right, 1.0);
  return scores;
}

TEST(WorstSlice, IsTheLowestOfThoseLargeEnough) {
  const std::vector<SliceScores> slices = {{"tier", "free", ones(30, 40), ones(20, 60)},
                                           {"tier", "paid", ones(20, 40), ones(30, 60)},
                                           {"tier", "none", ones(0, 9), ones(50, 91)},
                                           {"language", "de", ones(25, 50), ones(25, 50)}};
  const auto worst = worst_slice(slices);
  ASSERT_TRUE(worst);
  EXPECT_EQ(worst->value, "paid") << "the first of two at 50 %; nine samples say too little";
  EXPECT_EQ(worst->looked_at, 3);
  EXPECT_EQ(worst->too_small, 1);
  const Interval wide = wilson_interval(20, 40, 1.0 - 0.05 / 3);
  EXPECT_DOUBLE_EQ(worst->score.lo, wide.lo);
  EXPECT_DOUBLE_EQ(worst->score.hi, wide.hi);
  EXPECT_DOUBLE_EQ(worst->others, 0.5);
  EXPECT_FALSE(worst_slice(std::span(slices).first(1)));
}

TEST(WorstSlice, WithoutATestThereIsNoP) {
  EXPECT_TRUE(std::isnan(p_of_lower(ones(1, 2), {})));
  EXPECT_TRUE(std::isnan(p_of_lower(std::vector<double>(12, 0.5), std::vector<double>(20, 0.5))));
}

// Scores between 0 and 1, as the means of a document's variants are: the interval stays there, and a slice
// without any spread is no proof by itself.
TEST(WorstSlice, OfSharesStaysWithinZeroAndOne) {
  std::vector<double> low(10, 0.0);
  low[0] = 0.5;
  std::vector<double> high(10, 1.0);
  high[0] = 0.5;
  const auto worst =
      worst_slice(std::vector<SliceScores>{{"topic", "a", low, high}, {"topic", "b", high, low}});
  ASSERT_TRUE(worst);
  EXPECT_EQ(worst->score.lo, 0.0);
  EXPECT_LT(worst->score.hi, 1.0);
  const std::vector<double> equal(10, 0.25);
  std::vector<double> mostly(30, 0.25);
  mostly[0] = 0.5;
  EXPECT_GT(p_of_lower(equal, mostly), 0.05);
}

// Simulated: a pure function of the seed. Twelve slices of which none is worse: the lowest is not called so,
// and the interval of the one that is named holds its true score.
TEST(WorstSliceSimulation, LookingAtManyIsAllowedFor) {
  constexpr int kDataSets = 1000;
  constexpr size_t kSlices = 12;
  constexpr size_t kInSlice = 40;
  int alarms = 0;
  int held = 0;
  int naive = 0;
  for (uint64_t set = 0; set < kDataSets; ++set) {
    std::vector<std::vector<double>> scores(kSlices);
    uint64_t position = 0;
    for (auto& slice : scores) {
      for (size_t i = 0; i < kInSlice; ++i) slice.push_back(uniform(7, set, position++) < 0.8 ? 1.0 : 0.0);
    }
    std::vector<SliceScores> slices;
    for (size_t s = 0; s < kSlices; ++s) {
      SliceScores slice{"field", std::to_string(s), scores[s], {}};
      for (size_t other = 0; other < kSlices; ++other) {
        if (other != s) slice.outside.insert(slice.outside.end(), scores[other].begin(), scores[other].end());
      }
      slices.push_back(std::move(slice));
    }
    const auto worst = worst_slice(slices);
    ASSERT_TRUE(worst);
    alarms += worst->holm_p <= 0.05;
    held += worst->score.lo <= 0.8 && 0.8 <= worst->score.hi;
    naive += mean_estimate(scores[std::stoul(worst->value)]).hi < 0.8;
  }
  EXPECT_LE(alarms, 50 + 21);
  EXPECT_GE(held, 950 - 21);
  EXPECT_GT(naive, 100) << "an interval of one slice by itself misses far more often";
}

}  // namespace
}  // namespace sizeup
