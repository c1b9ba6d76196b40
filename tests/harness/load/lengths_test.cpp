#include "harness/load/lengths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace sizeup {
namespace {

constexpr int kMost = 1 << 20;

double mean_of(const std::vector<int>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), 0.0) / static_cast<double>(lengths.size());
}

TEST(Lengths, AreReadAndNamed) {
  for (const char* text :
       {"256", "1", "uniform:64:512", "uniform:7:7", "lognormal:200:0.8", "lognormal:30:0"}) {
    const auto read = parse_lengths(text);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(name_of(*read), text);
  }
  for (const char* text : {"", "0", "-3", "2.5", "many", "uniform", "uniform:5", "uniform:9:8", "uniform:0:8",
                           "uniform:1:8:9", "lognormal:0:1", "lognormal:200:-1", "lognormal:200:nan",
                           "lognormal:inf:1", "normal:200:10", "256:", ":1:2"}) {
    const auto read = parse_lengths(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::usage);
  }
}

TEST(Lengths, UniformOnesReachBothEnds) {
  const auto drawn = draw_lengths(parse_lengths("uniform:3:6").value(), 20'000, kMost, 1);
  for (int length = 3; length <= 6; ++length) {
    const auto times = std::count(drawn.lengths.begin(), drawn.lengths.end(), length);
    EXPECT_NEAR(static_cast<double>(times), 5000, 5 * 61) << length;  // five standard deviations
  }
  EXPECT_EQ(drawn.cut, 0);
}

// Quantiles by scipy.stats.lognorm(0.8, scale=200).ppf.
TEST(Lengths, LognormalOnesHaveItsQuantiles) {
  auto drawn = draw_lengths(parse_lengths("lognormal:200:0.8").value(), 40'000, kMost, 2);
  EXPECT_NEAR(mean_of(drawn.lengths), 275.4, 6.5);  // standard deviation 261.0: five standard errors
  std::sort(drawn.lengths.begin(), drawn.lengths.end());
  const auto at = [&](double share) {
    return static_cast<double>(drawn.lengths[static_cast<size_t>(share * 40'000)]);
  };
  EXPECT_NEAR(at(0.1), 71.7, 2);
  EXPECT_NEAR(at(0.5), 200.0, 5);
  EXPECT_NEAR(at(0.9), 557.5, 17);
  EXPECT_NEAR(at(0.99), 1286.0, 120);
}

TEST(Lengths, AreCutAndCounted) {
  const auto drawn = draw_lengths(parse_lengths("lognormal:200:0.8").value(), 1000, 200, 3);
  EXPECT_EQ(*std::max_element(drawn.lengths.begin(), drawn.lengths.end()), 200);
  EXPECT_NEAR(drawn.cut, 500, 80);
  EXPECT_GE(*std::min_element(drawn.lengths.begin(), drawn.lengths.end()), 1);
}

TEST(Lengths, DependOnTheSeedAlone) {
  const LengthDistribution lengths = parse_lengths("uniform:1:1000").value();
  EXPECT_EQ(draw_lengths(lengths, 50, kMost, 4).lengths, draw_lengths(lengths, 50, kMost, 4).lengths);
  EXPECT_NE(draw_lengths(lengths, 50, kMost, 4).lengths, draw_lengths(lengths, 50, kMost, 5).lengths);
}

}  // namespace
}  // namespace sizeup
