#include "harness/statistics/routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "tests/harness/statistics/golden.h"
#include "tests/harness/statistics/stated.h"

namespace sizeup {
namespace {

std::vector<RoutedSample> golden_samples(const Json& rows) {
  const auto at = [&](const char* column, size_t i) {
    return rows[column][i].is_null() ? kNoNumber : rows[column][i].get<double>();
  };
  std::vector<RoutedSample> samples;
  for (size_t i = 0; i < rows["small"].size(); ++i) {
    samples.push_back({at("confidence", i), at("small", i), at("large", i),
                       rows["document"][i].get<int64_t>(), at("small_cost", i), at("large_cost", i),
                       at("small_ms", i), at("large_ms", i)});
  }
  return samples;
}

TEST(Routing, AgreesWithWorkingOutEveryShareAnew) {
  const Json golden = Json::parse(read_whole(golden_folder() / "routing.json"));
  for (const auto& [name, one] : golden.items()) {
    SCOPED_TRACE(name);
    const RoutingFrontier frontier = routing_frontier(golden_samples(one["rows"]));
    ASSERT_EQ(frontier.points.size(), 101u);
    for (size_t i = 0; i < frontier.points.size(); ++i) {
      const RoutePoint& point = frontier.points[i];
      const Json& expected = one["points"][i];
      EXPECT_NEAR(point.share, expected[0].get<double>(), 1e-12) << i;
      if (expected[1].is_null()) {
        EXPECT_TRUE(std::isinf(point.threshold)) << i;
      } else {
        EXPECT_EQ(point.threshold, expected[1].get<double>()) << i;
      }
      EXPECT_NEAR(point.accuracy.value, expected[2].get<double>(), 1e-12) << i;
      EXPECT_NEAR(point.cost, expected[3].get<double>(), 1e-9) << i;
      EXPECT_NEAR(point.p95_ms, expected[4].get<double>(), 1e-9) << i;
      EXPECT_NEAR(frontier.oracle[i], one["oracle"][i].get<double>(), 1e-12) << i;
    }
    EXPECT_NEAR(frontier.area, one["area"].get<double>(), 1e-12);
    EXPECT_NEAR(frontier.apgr, one["apgr"].get<double>(), 1e-10);
    for (const auto& [part, share] : one["cpt"].items())
      EXPECT_NEAR(share_for(frontier, std::stod(part)).value(), share.get<double>(), 1e-12) << part;
  }
}

// Both models' answers to n fresh requests: small is right as often as it states, large nine times in ten.
std::vector<RoutedSample> traffic(int64_t n, uint64_t seed) {
  std::vector<RoutedSample> samples;
  for (const StatedAnswer& answer : simulated(n, 1.0, seed)) {
    const bool large = uniform(seed, 3, static_cast<uint64_t>(answer.document)) < 0.9;
    samples.push_back({answer.confidence, answer.right ? 1.0 : 0.0, large ? 1.0 : 0.0, answer.document});
  }
  return samples;
}

double accuracy_of(const std::vector<RoutedSample>& samples, double threshold) {
  double sum = 0.0;
  for (const RoutedSample& sample : samples)
    sum += sample.confidence < threshold ? sample.large : sample.small;
  return sum / static_cast<double>(samples.size());
}

TEST(Routing, PredictsFreshTrafficAtTheStatedRate) {
  const std::vector<RoutedSample> fresh = traffic(200'000, 999'999);
  for (const size_t percent : {size_t{20}, size_t{50}, size_t{80}}) {
    int held = 0;
    constexpr int kDataSets = 300;
    for (int i = 0; i < kDataSets; ++i) {
      const RoutingFrontier frontier = routing_frontier(traffic(200, static_cast<uint64_t>(i + 1)));
      const RoutePoint& point = frontier.points[percent];
      const double later = accuracy_of(fresh, point.threshold);
      held += point.accuracy.lo <= later && later <= point.accuracy.hi;
    }
    EXPECT_GE(held, 0.92 * kDataSets) << percent;
    EXPECT_LE(held, 0.985 * kDataSets) << percent;
  }
}

TEST(Routing, EndsAreEitherModelAlone) {
  const std::vector<RoutedSample> samples = traffic(150, 3);
  const RoutingFrontier frontier = routing_frontier(samples);
  EXPECT_EQ(frontier.points.front().share, 0.0);
  EXPECT_EQ(frontier.points.back().share, 1.0);
  EXPECT_NEAR(frontier.small, accuracy_of(samples, 0.0), 1e-12);
  EXPECT_NEAR(frontier.large, accuracy_of(samples, 2.0), 1e-12);
  EXPECT_GT(frontier.apgr, 0.5);  // better than drawing lots: small knows when it is wrong
  for (size_t i = 1; i < frontier.points.size(); ++i) {
    EXPECT_GE(frontier.points[i].share, frontier.points[i - 1].share);
  }
  EXPECT_TRUE(std::isnan(frontier.points[50].cost));  // unknown is never zero
  EXPECT_TRUE(std::isnan(frontier.points[50].p95_ms));
}

// A confidence that says nothing is drawing lots.
TEST(Routing, UselessConfidenceGivesHalfOfTheGap) {
  std::vector<RoutedSample> samples = traffic(20'000, 4);
  for (size_t i = 0; i < samples.size(); ++i) samples[i].confidence = uniform(77, 7, i);
  EXPECT_NEAR(routing_frontier(samples).apgr, 0.5, 0.04);
}

TEST(Routing, OneConfidenceIsSentOnTogether) {
  std::vector<RoutedSample> samples(600, RoutedSample{0.7, 0.0, 1.0, 0});
  for (size_t i = 0; i < samples.size(); ++i) samples[i].document = static_cast<int64_t>(i);
  const RoutingFrontier frontier = routing_frontier(samples);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(frontier.points[i].share, 0.0);
  EXPECT_EQ(share_for(frontier, 0.1), 1.0);
}

TEST(Routing, LargeThatIsNotBetterNeedsNoShare) {
  std::vector<RoutedSample> samples = traffic(100, 5);
  for (RoutedSample& sample : samples) sample.large = sample.small;
  const RoutingFrontier frontier = routing_frontier(samples);
  EXPECT_FALSE(share_for(frontier, 0.5).has_value());
  EXPECT_TRUE(std::isnan(frontier.apgr));
  EXPECT_TRUE(routing_frontier({}).points.empty());
}

TEST(Routing, ScoresChooseNoThreshold) {
  std::vector<RoutedSample> samples = traffic(100, 6);
  const RoutingFrontier before = routing_frontier(samples);
  for (size_t i = 0; i < samples.size(); i += 3) samples[i].small = samples[i].large = 0.0;
  const RoutingFrontier changed = routing_frontier(samples);
  for (size_t i = 0; i < changed.points.size(); ++i) {
    EXPECT_EQ(changed.points[i].share, before.points[i].share);
    EXPECT_EQ(changed.points[i].threshold, before.points[i].threshold);
  }
}

// Binary scores of different documents are counted, everything else is gone through: both are one definition.
TEST(Routing, CountsAndScoresGiveTheSameIntervals) {
  const std::vector<RoutedSample> samples = traffic(300, 8);
  std::vector<RoutedSample> partial = samples;
  for (RoutedSample& sample : partial) sample.small *= 0.5;
  std::vector<RoutedSample> repeated = samples;
  for (size_t i = 0; i < repeated.size(); ++i) repeated[i].document = static_cast<int64_t>(i / 2);
  for (const auto* one :
       std::array{&std::as_const(samples), &std::as_const(partial), &std::as_const(repeated)}) {
    const RoutingFrontier frontier = routing_frontier(*one);
    std::vector<double> large;
    std::vector<int64_t> documents;
    for (const RoutedSample& sample : *one) {
      large.push_back(sample.large);
      documents.push_back(sample.document);
    }
    for (const int percent : {0, 13, 50, 99, 100}) {
      SCOPED_TRACE(percent);
      const RoutePoint& point = frontier.points[static_cast<size_t>(percent)];
      const std::vector<double> routed = routed_scores(*one, percent);
      const bool clustered = one == &repeated;
      const Estimate accuracy = clustered ? clustered_estimate(routed, documents) : mean_estimate(routed);
      EXPECT_NEAR(point.accuracy.value, accuracy.value, 1e-12);
      EXPECT_NEAR(point.accuracy.lo, accuracy.lo, 1e-12);
      EXPECT_NEAR(point.accuracy.hi, accuracy.hi, 1e-12);
      const PairedDifference difference = clustered ? clustered_paired_difference(routed, large, documents)
                                                    : paired_difference(routed, large);
      EXPECT_NEAR(point.against_large.difference, difference.difference, 1e-12);
      EXPECT_NEAR(point.against_large.lo, difference.lo, 1e-12);
      EXPECT_NEAR(point.against_large.hi, difference.hi, 1e-12);
      EXPECT_EQ(point.against_large.wins, difference.wins);
      EXPECT_EQ(point.against_large.losses, difference.losses);
    }
  }
}

TEST(Routing, TheLeastShareIsFoundFromAbove) {
  RoutingFrontier frontier;
  for (const double lo : {-0.01, -0.09, -0.08, -0.04, -0.06, -0.03, -0.02}) {
    RoutePoint point;
    point.against_large.lo = lo;
    frontier.points.push_back(point);
  }
  EXPECT_EQ(least_share_within(frontier, 0.05), 5u);  // not 3, nor 0: a point between them fails
  EXPECT_EQ(least_share_within(frontier, 0.10), 0u);
  EXPECT_FALSE(least_share_within(frontier, 0.01).has_value());
  frontier.points.back().against_large.lo = kNoNumber;
  EXPECT_FALSE(least_share_within(frontier, 0.05).has_value());
  EXPECT_FALSE(least_share_within({}, 0.05).has_value());
}

// What is recommended loses more than the margin on fresh traffic no more often than one test in 40 may.
TEST(Routing, RecommendedSharesHoldTheMarginAtTheStatedRate) {
  const std::vector<RoutedSample> fresh = traffic(200'000, 999'999);
  constexpr double kMargin = 0.05;
  constexpr int kDataSets = 300;
  int found = 0;
  int lost = 0;
  for (int i = 0; i < kDataSets; ++i) {
    const RoutingFrontier frontier = routing_frontier(traffic(400, static_cast<uint64_t>(i + 1)));
    const std::optional<size_t> least = least_share_within(frontier, kMargin);
    if (!least) continue;
    ++found;
    lost += accuracy_of(fresh, frontier.points[*least].threshold) - accuracy_of(fresh, 2.0) < -kMargin;
  }
  EXPECT_GT(found, 0.9 * kDataSets);
  EXPECT_LE(lost, 0.05 * kDataSets);
}

TEST(Apgr, IsTheFrontiersAndItsIntervalHoldsTheTruth) {
  const double truth = routing_frontier(traffic(200'000, 999'999)).apgr;
  int held = 0;
  constexpr int kDataSets = 60;
  for (int i = 0; i < kDataSets; ++i) {
    const std::vector<RoutedSample> samples = traffic(600, static_cast<uint64_t>(i + 1));
    const Estimate apgr = apgr_estimate(samples);
    EXPECT_EQ(apgr.value, routing_frontier(samples).apgr);
    ASSERT_TRUE(apgr.has_interval());
    held += apgr.lo <= truth && truth <= apgr.hi;
  }
  EXPECT_GE(held, 0.88 * kDataSets);
}

// The ratio of mean gains is the ratio of areas only if every sample's part of the area is right.
TEST(Apgr, IntervalSurroundsTheValueWhereverSamplesRepeat) {
  std::vector<RoutedSample> samples = traffic(400, 11);
  const Estimate apart = apgr_estimate(samples);
  EXPECT_LT(apart.lo, apart.value);
  EXPECT_GT(apart.hi, apart.value);
  for (size_t i = 0; i < samples.size(); ++i) samples[i].document = static_cast<int64_t>(i / 2);
  const Estimate together = apgr_estimate(samples);
  EXPECT_LT(together.lo, together.value);
  EXPECT_GT(together.hi, together.value);
}

TEST(Apgr, HasNoIntervalWhereThereMayBeNoGap) {
  std::vector<RoutedSample> samples = traffic(100, 12);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i].large = i == 0 ? 1.0 - samples[i].small : samples[i].small;
  EXPECT_FALSE(apgr_estimate(samples).has_interval());
  EXPECT_FALSE(apgr_estimate({}).has_interval());
}

double share_below(const std::vector<RoutedSample>& samples, double threshold) {
  const auto below = std::count_if(samples.begin(), samples.end(),
                                   [&](const RoutedSample& sample) { return sample.confidence < threshold; });
  return static_cast<double>(below) / static_cast<double>(samples.size());
}

// What is sent on of fresh traffic moves with the threshold, which the samples chose, as a proportion does.
TEST(RoutedShare, PredictsFreshTrafficAtTheStatedRate) {
  const std::vector<RoutedSample> fresh = traffic(100'000, 999'999);
  for (const int percent : {15, 60}) {
    int held = 0;
    constexpr int kDataSets = 300;
    for (int i = 0; i < kDataSets; ++i) {
      const std::vector<RoutedSample> samples = traffic(200, static_cast<uint64_t>(i + 1));
      const Estimate share = share_estimate(samples, percent);
      const RoutingFrontier frontier = routing_frontier(samples);
      const RoutePoint& point = frontier.points[static_cast<size_t>(percent)];
      EXPECT_EQ(share.value, point.share);
      const double later = share_below(fresh, point.threshold);
      held += share.lo <= later && later <= share.hi;
    }
    EXPECT_GE(held, 0.92 * kDataSets) << percent;
    EXPECT_LE(held, 0.985 * kDataSets) << percent;
  }
}

TEST(RoutedShare, IsCertainWhereNoThresholdDecides) {
  const std::vector<RoutedSample> samples = traffic(50, 4);
  for (const auto& [percent, share] : {std::pair{0, 0.0}, std::pair{100, 1.0}}) {
    EXPECT_EQ(share_estimate(samples, percent).lo, share);
    EXPECT_EQ(share_estimate(samples, percent).hi, share);
  }
  EXPECT_FALSE(share_estimate({}, 50).has_interval());
}

TEST(ShareForPartOfTheGap, IsTheFrontiersAndItsIntervalHoldsTheTruth) {
  const RoutingFrontier truth = routing_frontier(traffic(1'000'000, 999'999));
  for (const double part : {0.5, 0.8}) {
    int held = 0;
    constexpr int kDataSets = 60;
    constexpr double kStep = 0.01;  // of a frontier
    for (int i = 0; i < kDataSets; ++i) {
      const std::vector<RoutedSample> samples = traffic(600, static_cast<uint64_t>(i + 1));
      const Estimate share = share_for_estimate(samples, part);
      EXPECT_EQ(share.value, share_for(routing_frontier(samples), part).value());
      ASSERT_TRUE(share.has_interval());
      EXPECT_LT(share.hi - share.lo, 0.5);
      held += share.lo - kStep <= share_for(truth, part) && share_for(truth, part) <= share.hi + kStep;
    }
    EXPECT_GE(held, 0.9 * kDataSets) << part;
  }
}

TEST(ShareForPartOfTheGap, HasNoIntervalWhereThereMayBeNoGap) {
  std::vector<RoutedSample> samples = traffic(100, 12);
  for (RoutedSample& sample : samples) sample.large = sample.small;
  EXPECT_TRUE(std::isnan(share_for_estimate(samples, 0.5).value));
  samples[0].large = 1.0;
  samples[0].small = 0.0;
  EXPECT_FALSE(share_for_estimate(samples, 0.5).has_interval());
  EXPECT_FALSE(share_for_estimate({}, 0.5).has_interval());
}

// A request costs 1 with small and 10 more where it is sent on: 9 less than large alone costs, but for those.
TEST(RoutedSaving, IsLargesCostWithoutTheRequestsThatAreSentOn) {
  std::vector<RoutedSample> samples = traffic(400, 13);
  EXPECT_TRUE(std::isnan(saving_estimate(samples, 30).value));
  for (RoutedSample& sample : samples) {
    sample.small_cost = 1.0;
    sample.large_cost = 10.0;
  }
  const Estimate saving = saving_estimate(samples, 30);
  const Estimate share = share_estimate(samples, 30);
  EXPECT_NEAR(saving.value, 9.0 - 10.0 * share.value, 1e-9);
  EXPECT_NEAR(saving.lo, 9.0 - 10.0 * share.hi, 0.15);  // the bootstrap's ends beside Wilson's
  EXPECT_NEAR(saving.hi, 9.0 - 10.0 * share.lo, 0.15);
}

// Every document twice says no more than once: intervals of rows alone would be narrower by a third.
TEST(RoutingIntervals, AreOfDocuments) {
  std::vector<RoutedSample> once = traffic(300, 14);
  for (RoutedSample& sample : once) {
    sample.small_cost = 1.0;
    sample.large_cost = 10.0;
  }
  std::vector<RoutedSample> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  const auto width = [](const Estimate& estimate) { return estimate.hi - estimate.lo; };
  EXPECT_NEAR(width(share_estimate(twice, 40)) / width(share_estimate(once, 40)), 1.0, 0.1);
  EXPECT_NEAR(width(saving_estimate(twice, 40)) / width(saving_estimate(once, 40)), 1.0, 0.1);
  EXPECT_NEAR(width(share_for_estimate(twice, 0.5)) / width(share_for_estimate(once, 0.5)), 1.0, 0.15);
}

}  // namespace
}  // namespace sizeup
