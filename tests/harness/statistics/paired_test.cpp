#include "harness/statistics/paired.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors/result.h"
#include "tests/harness/statistics/golden.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-12;
constexpr double kRootError = 1e-9;  // both sides stop an iteration

// n pairs of 0/1 scores with these discordant ones; the rest both right.
struct BinaryPairs {
  std::vector<double> a;
  std::vector<double> b;
};
BinaryPairs binary_pairs(int only_a, int only_b, int both, int neither) {
  BinaryPairs pairs;
  const auto add = [&](int count, double a, double b) {
    pairs.a.insert(pairs.a.end(), static_cast<size_t>(count), a);
    pairs.b.insert(pairs.b.end(), static_cast<size_t>(count), b);
  };
  add(only_a, 1, 0);
  add(only_b, 0, 1);
  add(both, 1, 1);
  add(neither, 0, 0);
  return pairs;
}

TEST(McNemar, AgreesWithStatsmodelsAndScipy) {
  for (const Json& c : statistics_golden().at("mcnemar")) {
    const auto a = c.at("only_a").get<int64_t>();
    const auto b = c.at("only_b").get<int64_t>();
    EXPECT_NEAR(mcnemar_exact(a, b), c.at("p").get<double>(), kTolerance) << a << " " << b;
    EXPECT_NEAR(mcnemar_mid_p(a, b), c.at("mid_p").get<double>(), kTolerance) << a << " " << b;
  }
}

TEST(Tango, AgreesWithTheScoreEquationSolvedNumerically) {
  for (const Json& c : statistics_golden().at("tango")) {
    SCOPED_TRACE(c.dump());
    const auto [lo, hi] = tango_interval(c.at("only_a").get<int64_t>(), c.at("only_b").get<int64_t>(),
                                         c.at("n").get<int64_t>(), c.at("confidence").get<double>());
    expect_interval(lo, hi, c.at("interval"), kRootError);
  }
}

TEST(Tango, HasNoIntervalWithoutPairs) {
  EXPECT_TRUE(std::isnan(tango_interval(0, 0, 0).lo));
}

TEST(Tango, ContainsTheDifferenceAndStaysInRange) {
  for (int n = 1; n <= 12; ++n) {
    for (int a = 0; a <= n; ++a) {
      for (int b = 0; a + b <= n; ++b) {
        const auto [lo, hi] = tango_interval(a, b, n);
        const double difference = static_cast<double>(a - b) / n;
        EXPECT_LE(-1, lo);
        EXPECT_LE(lo, difference);
        EXPECT_LE(difference, hi);
        EXPECT_LE(hi, 1);
        EXPECT_LT(lo, hi);
      }
    }
  }
}

TEST(PairedDifference, BinaryScoresUseTangoAndMcNemar) {
  const BinaryPairs pairs = binary_pairs(1, 7, 5, 8);
  const PairedDifference d = paired_difference(pairs.a, pairs.b);
  EXPECT_NEAR(d.difference, -6.0 / 21, kTolerance);
  EXPECT_NEAR(d.lo, -0.517, 5e-4);  // as printed by Fagerland, Lydersen and Laake 2014
  EXPECT_NEAR(d.hi, -0.026, 5e-4);
  EXPECT_EQ(d.p, mcnemar_exact(1, 7));
  EXPECT_EQ(d.mid_p, mcnemar_mid_p(1, 7));
  EXPECT_EQ(d.wins, 1);
  EXPECT_EQ(d.losses, 7);
  EXPECT_EQ(d.ties, 13);
  EXPECT_EQ(d.n, 21);
  EXPECT_NEAR(d.variance, 8.0 / 21 - 36.0 / 441, kTolerance);
}

TEST(PairedDifference, CountsWhichAnswersAgree) {
  const BinaryPairs pairs = binary_pairs(1, 2, 3, 4);
  const PairedCounts counts = paired_counts(pairs.a, pairs.b);
  EXPECT_EQ(counts.only_a, 1);
  EXPECT_EQ(counts.only_b, 2);
  EXPECT_EQ(counts.both, 3);
  EXPECT_EQ(counts.neither, 4);
  EXPECT_EQ(counts.n(), 10);
}

TEST(PairedDifference, OtherScoresUseThePairedTTest) {
  for (const Json& c : statistics_golden().at("paired_t").at("pairs")) {
    const PairedDifference d = paired_difference(doubles(c.at("a")), doubles(c.at("b")));
    EXPECT_NEAR(d.difference, c.at("difference").get<double>(), kTolerance);
    EXPECT_NEAR(d.p, c.at("p").get<double>(), 1e-10);
    expect_interval(d.lo, d.hi, c.at("interval"), kRootError);
    EXPECT_TRUE(std::isnan(d.mid_p));
  }
}

TEST(PairedDifference, ClustersAgreeWithClusterRobustRegression) {
  const Json& golden = statistics_golden().at("paired_t");
  const Json& last = golden.at("pairs").back();
  const PairedDifference d = clustered_paired_difference(doubles(last.at("a")), doubles(last.at("b")),
                                                         golden.at("clusters").get<std::vector<int64_t>>());
  const Json& expected = golden.at("clustered");
  EXPECT_NEAR(d.difference, expected.at("difference").get<double>(), kTolerance);
  EXPECT_NEAR(d.p, expected.at("p").get<double>(), 1e-10);
  expect_interval(d.lo, d.hi, expected.at("interval"), kRootError);
}

TEST(PairedDifference, ClusteredBinaryScoresKnowTheirClusters) {
  // Two copies of each pair: as many wins again, but no more evidence.
  const BinaryPairs once = binary_pairs(6, 2, 8, 4);
  BinaryPairs twice = once;
  twice.a.insert(twice.a.end(), once.a.begin(), once.a.end());
  twice.b.insert(twice.b.end(), once.b.begin(), once.b.end());
  std::vector<int64_t> single;
  for (int64_t i = 0; i < 20; ++i) single.push_back(i);
  std::vector<int64_t> both = single;
  both.insert(both.end(), single.begin(), single.end());
  const PairedDifference d1 = clustered_paired_difference(once.a, once.b, single);
  const PairedDifference d2 = clustered_paired_difference(twice.a, twice.b, both);
  EXPECT_NEAR(d1.lo, d2.lo, kTolerance);
  EXPECT_NEAR(d1.p, d2.p, kTolerance);
  EXPECT_EQ(d2.wins, 12);
}

TEST(PairedDifference, SwappingTheModelsFlipsTheSign) {
  const BinaryPairs binary = binary_pairs(9, 4, 20, 7);
  const std::vector<double> x{0.1, 0.5, 0.9, 0.3};
  const std::vector<double> y{0.4, 0.1, 0.2, 0.25};
  const std::vector<int64_t> clusters{0, 0, 1, 2};
  const auto expect_mirrored = [](const PairedDifference& d, const PairedDifference& e) {
    EXPECT_NEAR(d.difference, -e.difference, kTolerance);
    EXPECT_NEAR(d.lo, -e.hi, kTolerance);
    EXPECT_NEAR(d.hi, -e.lo, kTolerance);
    EXPECT_NEAR(d.p, e.p, kTolerance);
    EXPECT_EQ(d.wins, e.losses);
    EXPECT_EQ(d.losses, e.wins);
  };
  expect_mirrored(paired_difference(binary.a, binary.b), paired_difference(binary.b, binary.a));
  expect_mirrored(paired_difference(x, y), paired_difference(y, x));
  expect_mirrored(clustered_paired_difference(x, y, clusters), clustered_paired_difference(y, x, clusters));
}

TEST(PairedDifference, FewPairs) {
  const PairedDifference nothing = paired_difference({}, {});
  EXPECT_EQ(nothing.n, 0);
  EXPECT_FALSE(nothing.has_interval());
  EXPECT_TRUE(std::isnan(nothing.difference));
  EXPECT_TRUE(std::isnan(nothing.p));

  const PairedDifference one = paired_difference(std::vector{0.3}, std::vector{0.1});
  EXPECT_EQ(one.wins, 1);
  EXPECT_FALSE(one.has_interval());
  EXPECT_TRUE(std::isnan(one.p));

  const PairedDifference one_binary = paired_difference(std::vector{1.0}, std::vector{0.0});
  EXPECT_TRUE(one_binary.has_interval());
  EXPECT_LT(one_binary.lo, 0);
  EXPECT_EQ(one_binary.p, 1);
}

TEST(PairedDifference, EqualAnswersAreNoCertainty) {
  // The same partial scores from both models: no spread, yet five pairs cannot exclude a difference.
  const std::vector<double> scores{0.3, 0.5, 0.8, 0.8, 0.1};
  const PairedDifference d = paired_difference(scores, scores);
  EXPECT_EQ(d.difference, 0);
  EXPECT_EQ(d.p, 1);
  EXPECT_LT(d.lo, -0.3);
  // The binary form with no discordant pair gives the same bound.
  const BinaryPairs binary = binary_pairs(0, 0, 3, 2);
  EXPECT_NEAR(paired_difference(binary.a, binary.b).lo, d.lo, kRootError);
}

TEST(PairedDifference, RefusesUnequalLengths) {
  EXPECT_THROW((void)paired_difference(std::vector{1.0}, std::vector<double>{}), InternalError);
}

TEST(Holm, AgreesWithStatsmodels) {
  for (const Json& c : statistics_golden().at("holm")) {
    const std::vector<double> adjusted = holm(doubles(c.at("p")));
    const std::vector<double> expected = doubles(c.at("adjusted"));
    ASSERT_EQ(adjusted.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], kTolerance);
  }
}

TEST(Holm, LeavesOutWhatCannotBeTested) {
  const std::vector<double> adjusted = holm(std::vector{0.03, kNoNumber, 0.01});
  EXPECT_NEAR(adjusted[0], 0.03, kTolerance);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_NEAR(adjusted[2], 0.02, kTolerance);
}

}  // namespace
}  // namespace sizeup
