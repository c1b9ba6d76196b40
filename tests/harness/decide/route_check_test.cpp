#include "harness/decide/route_check.h"

#include <gtest/gtest.h>

#include "core/random/counter_random.h"
#include "harness/statistics/routing.h"
#include "tests/harness/statistics/stated.h"

namespace sizeup {
namespace {

// Both models' answers to n fresh requests: small is right as often as it states where `sharpness` is 1,
// large nine times in ten.
std::vector<RoutedSample> requests(int64_t n, uint64_t seed) {
  std::vector<RoutedSample> out;
  for (const StatedAnswer& answer : simulated(n, 1.0, seed)) {
    const bool large = uniform(seed, 3, static_cast<uint64_t>(answer.document)) < 0.9;
    out.push_back(
        {answer.confidence, answer.right ? 1.0 : 0.0, large ? 1.0 : 0.0, answer.document, 1.0, 10.0});
  }
  return out;
}

RouteEstimate plain(const Estimate& one) {
  return {one.value, one.lo, one.hi};
}

RoutePolicy policy_from(const std::vector<RoutedSample>& samples, int percent) {
  const RoutingFrontier frontier = routing_frontier(samples);
  const RoutePoint& point = frontier.points[static_cast<size_t>(percent)];
  RoutePolicy out;
  out.scorer.weights = {{RouteFeature::parse("confidence").value(), 1.0}};
  out.threshold = point.threshold;
  out.expected.samples = static_cast<int64_t>(samples.size());
  out.expected.share = plain(share_estimate(samples, percent));
  out.expected.accuracy = plain(point.accuracy);
  out.expected.cost.value = point.cost;
  out.expected.large_cost = 10.0;
  out.expected.currency = "EUR";
  return out;
}

std::vector<RouterSample> routed(const RoutePolicy& policy, const std::vector<RoutedSample>& samples) {
  std::vector<RouterSample> out;
  for (const RoutedSample& sample : samples) {
    RouteFacts facts;
    facts.confidence = sample.confidence;
    const bool on = policy.sends_on(facts);
    out.push_back({on ? sample.large : sample.small, on ? 1.0 : 0.0, false, sample.document});
  }
  return out;
}

TEST(RouteCheck, PredictionsHoldOnFreshSamplesAtTheStatedRate) {
  for (const int percent : {20, 60}) {
    int accuracy = 0;
    int share = 0;
    constexpr int kDataSets = 400;
    for (int i = 0; i < kDataSets; ++i) {
      const auto seed = static_cast<uint64_t>(2 * i + 1);
      const RoutePolicy policy = policy_from(requests(300, seed), percent);
      const RouteCheck check = check_prediction(policy, routed(policy, requests(150, seed + 1)));
      EXPECT_EQ(check.fresh, 150);
      accuracy += check.accuracy.holds();
      share += check.share.holds();
    }
    EXPECT_GE(accuracy, 0.925 * kDataSets) << percent;
    EXPECT_LE(accuracy, 0.985 * kDataSets) << percent;
    EXPECT_GE(share, 0.925 * kDataSets) << percent;
    EXPECT_LE(share, 0.985 * kDataSets) << percent;
  }
}

// The interval of the prediction alone forgets that the fresh samples have their own chance.
TEST(RouteCheck, ThePredictionsOwnIntervalWouldBeTooNarrow) {
  int held = 0;
  constexpr int kDataSets = 200;
  for (int i = 0; i < kDataSets; ++i) {
    const auto seed = static_cast<uint64_t>(2 * i + 1);
    const RoutePolicy policy = policy_from(requests(300, seed), 40);
    const double observed =
        check_prediction(policy, routed(policy, requests(150, seed + 1))).accuracy.observed.value;
    held += policy.expected.accuracy.lo <= observed && observed <= policy.expected.accuracy.hi;
  }
  EXPECT_LT(held, 0.85 * kDataSets);
}

TEST(RouteCheck, FindsOutThatTheTrafficHasChanged) {
  int accuracy = 0;
  int share = 0;
  constexpr int kDataSets = 50;
  for (int i = 0; i < kDataSets; ++i) {
    const auto seed = static_cast<uint64_t>(2 * i + 1);
    const RoutePolicy policy = policy_from(requests(400, seed), 30);
    std::vector<RoutedSample> fresh = requests(400, seed + 1);
    for (size_t k = 0; k < fresh.size(); ++k) {
      if (k % 3 == 0) fresh[k].small = 0.0;  // small is wrong more often,
      fresh[k].confidence *= 0.8;            // and less sure
    }
    const RouteCheck check = check_prediction(policy, routed(policy, fresh));
    share += check.share.can_be_said() && !check.share.holds();
    for (size_t k = 0; k < fresh.size(); ++k) fresh[k].confidence /= 0.8;
    const RouteCheck surer = check_prediction(policy, routed(policy, fresh));
    accuracy += surer.accuracy.can_be_said() && !surer.accuracy.holds();
  }
  EXPECT_GE(accuracy, 45);
  EXPECT_GE(share, 45);
}

TEST(RouteCheck, OnlyFreshSamplesCount) {
  const std::vector<RoutedSample> seen = requests(200, 1);
  const RoutePolicy policy = policy_from(seen, 50);
  std::vector<RouterSample> samples = routed(policy, seen);
  for (RouterSample& sample : samples) {
    sample.fitted = true;
    sample.score = 0.0;
  }
  EXPECT_EQ(check_prediction(policy, samples).fresh, 0);
  EXPECT_FALSE(check_prediction(policy, samples).accuracy.can_be_said());
  const std::vector<RouterSample> fresh = routed(policy, requests(100, 2));
  const RouteCheck alone = check_prediction(policy, fresh);
  samples.insert(samples.end(), fresh.begin(), fresh.end());
  const RouteCheck both = check_prediction(policy, samples);
  EXPECT_EQ(both.fresh, 100);
  EXPECT_EQ(both.fitted, 200);
  EXPECT_EQ(both.accuracy.observed.value, alone.accuracy.observed.value);
  EXPECT_EQ(both.accuracy.range.lo, alone.accuracy.range.lo);
}

// Small's cost always, large's where a request went on.
TEST(RouteCheck, TheCostFollowsTheShareThatWasObserved) {
  const RoutePolicy policy = policy_from(requests(200, 1), 50);
  const RouteCheck check = check_prediction(policy, routed(policy, requests(100, 2)));
  EXPECT_NEAR(check.cost, 1.0 + 10.0 * check.share.observed.value, 1e-9);
  EXPECT_NEAR(check.expected_cost, 1.0 + 10.0 * policy.expected.share.value, 1e-9);
}

// Each fresh document twice is no more evidence than once.
TEST(RouteCheck, RepeatedDocumentsAreOne) {
  const RoutePolicy policy = policy_from(requests(300, 1), 50);
  const std::vector<RouterSample> once = routed(policy, requests(120, 2));
  std::vector<RouterSample> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  const Interval of_once = check_prediction(policy, once).accuracy.range;
  const Interval of_twice = check_prediction(policy, twice).accuracy.range;
  EXPECT_NEAR(of_twice.hi - of_twice.lo, of_once.hi - of_once.lo, 0.01);
}

}  // namespace
}  // namespace sizeup
