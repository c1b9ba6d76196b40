#include "harness/statistics/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/errors/result.h"
#include "tests/harness/statistics/golden.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

constexpr double kTolerance = 1e-12;     // same formula in double precision
constexpr double kQuantileError = 1e-9;  // quantiles of t and Tango's root are iterative on both sides

TEST(Wilson, AgreesWithStatsmodelsAndScipy) {
  for (const Json& c : statistics_golden().at("wilson")) {
    const auto [lo, hi] =
        wilson_interval(c.at("k").get<int64_t>(), c.at("n").get<int64_t>(), c.at("confidence").get<double>());
    expect_interval(lo, hi, c.at("interval"), kTolerance);
  }
}

TEST(Wilson, HasNoIntervalWithoutSamples) {
  const Interval interval = wilson_interval(0, 0);
  EXPECT_TRUE(std::isnan(interval.lo));
  EXPECT_TRUE(std::isnan(interval.hi));
}

TEST(Wilson, RefusesMoreSuccessesThanSamples) {
  EXPECT_THROW((void)wilson_interval(3, 2), InternalError);
}

TEST(ConstantInterval, IsWilsonsForAllRightAndAllWrong) {
  for (const int64_t n : {1, 5, 400}) {
    EXPECT_NEAR(constant_interval(1, n, 0, 1).lo, wilson_interval(n, n).lo, kTolerance);
    EXPECT_NEAR(constant_interval(0, n, 0, 1).hi, wilson_interval(0, n).hi, kTolerance);
  }
}

TEST(MeanWithT, AgreesWithScipy) {
  for (const Json& c : statistics_golden().at("means")) {
    const auto values = doubles(c.at("values"));
    const Estimate estimate = t_estimate(values, c.at("confidence").get<double>());
    EXPECT_NEAR(estimate.value, c.at("mean").get<double>(), kTolerance);
    EXPECT_NEAR(standard_error(values), c.at("standard_error").get<double>(), kTolerance);
    expect_interval(estimate.lo, estimate.hi, c.at("interval"), kQuantileError);
    EXPECT_EQ(estimate.n, static_cast<int64_t>(values.size()));
  }
}

TEST(MeanEstimate, PicksWilsonForZerosAndOnesOnly) {
  const std::vector<double> binary{1, 0, 1, 1, 0, 1, 1};
  EXPECT_EQ(mean_estimate(binary).lo, wilson_interval(5, 7).lo);
  EXPECT_EQ(mean_estimate(binary).hi, wilson_interval(5, 7).hi);
  const std::vector<double> partial{1, 0, 1, 1, 0, 1, 0.5};
  EXPECT_EQ(mean_estimate(partial).lo, t_estimate(partial).lo);
}

TEST(MeanEstimate, EdgeCases) {
  const Estimate nothing = mean_estimate({});
  EXPECT_TRUE(std::isnan(nothing.value));
  EXPECT_FALSE(nothing.has_interval());
  EXPECT_EQ(nothing.n, 0);

  const std::vector<double> one_right{1};
  EXPECT_TRUE(mean_estimate(one_right).has_interval());
  const std::vector<double> one_partial{0.4};
  EXPECT_EQ(mean_estimate(one_partial).value, 0.4);
  EXPECT_FALSE(mean_estimate(one_partial).has_interval());

  // Two equal partial scores say little; a t interval would be a point.
  const std::vector<double> equal{0.4, 0.4};
  EXPECT_LT(mean_estimate(equal).lo, 0.2);
  EXPECT_GT(mean_estimate(equal).hi, 0.6);

  const std::vector<double> broken{0.4, std::numeric_limits<double>::infinity(), 0.1};
  EXPECT_TRUE(std::isnan(mean_estimate(broken).value));
  EXPECT_FALSE(mean_estimate(broken).has_interval());
}

TEST(Clustered, AgreesWithClusterRobustRegression) {
  for (const Json& c : statistics_golden().at("clustered")) {
    const auto values = doubles(c.at("values"));
    const auto clusters = c.at("clusters").get<std::vector<int64_t>>();
    EXPECT_NEAR(clustered_standard_error(values, clusters), c.at("standard_error").get<double>(), kTolerance);
    const Estimate estimate = clustered_estimate(values, clusters);
    EXPECT_NEAR(estimate.value, c.at("mean").get<double>(), kTolerance);
    expect_interval(estimate.lo, estimate.hi, c.at("interval"), kQuantileError);
  }
}

TEST(Clustered, SingleSampleClustersGiveTheOrdinaryError) {
  const std::vector<double> values{0.2, 0.9, 0.4, 0.4, 0.7};
  const std::vector<int64_t> clusters{4, 8, 15, 16, 23};
  EXPECT_NEAR(clustered_standard_error(values, clusters), standard_error(values), kTolerance);
}

TEST(Clustered, CopiesOfEverySampleAddNoEvidence) {
  const std::vector<double> values{0.2, 0.9, 0.4, 0.4, 0.7};
  std::vector<double> copied;
  std::vector<int64_t> clusters;
  for (int64_t i = 0; i < 5; ++i) {
    for (int copy = 0; copy < 4; ++copy) {
      copied.push_back(values[static_cast<size_t>(i)]);
      clusters.push_back(i);
    }
  }
  const Estimate once = t_estimate(values);
  const Estimate often = clustered_estimate(copied, clusters);
  EXPECT_NEAR(often.lo, once.lo, kTolerance);
  EXPECT_NEAR(often.hi, once.hi, kTolerance);
  EXPECT_LT(t_estimate(copied).hi, once.hi - 0.05);  // what forgetting the clusters would claim
}

TEST(Clustered, EdgeCases) {
  const std::vector<double> values{0.2, 0.9};
  const std::vector<int64_t> same{7, 7};
  EXPECT_FALSE(clustered_estimate(values, same).has_interval());
  EXPECT_FALSE(clustered_estimate({}, {}).has_interval());
  // Equal scores count as many observations as there are clusters, not samples.
  const std::vector<double> right{1, 1, 1, 1};
  const std::vector<int64_t> pairs{0, 0, 1, 1};
  EXPECT_NEAR(clustered_estimate(right, pairs).lo, wilson_interval(2, 2).lo, kTolerance);
}

TEST(Group, AgreesWithLmEvaluationHarness) {
  const Json& golden = statistics_golden().at("group");
  std::vector<GroupMember> members;
  for (const Json& m : golden.at("members")) {
    members.push_back(
        {m.at("value").get<double>(), m.at("standard_error").get<double>(), m.at("n").get<int64_t>()});
  }
  const Estimate estimate = group_estimate(members);
  EXPECT_NEAR(estimate.value, golden.at("value").get<double>(), kTolerance);
  expect_interval(estimate.lo, estimate.hi, golden.at("interval"), kQuantileError);
  EXPECT_EQ(estimate.n, 531);
}

// Against its functions themselves (golden: tests/oracles/groups_lm_eval.py).
TEST(Group, StandardErrorsAreThoseOfLmEvaluationHarness) {
  for (const Json golden = Json::parse(read_whole(golden_folder() / "groups.json")); const Json& c : golden) {
    std::vector<GroupMember> members;
    for (size_t i = 0; i < c.at("sizes").size(); ++i)
      members.push_back({0.5, c.at("errors")[i].get<double>(), c.at("sizes")[i].get<int64_t>()});
    EXPECT_NEAR(pooled_error(members), c.at("pooled").get<double>(), kTolerance);
    EXPECT_NEAR(unweighted_error(members), c.at("unweighted").get<double>(), kTolerance);
  }
}

// By hand: (0.5 + 0.8) / 2, and sqrt(0.03^2 + 0.04^2) / 2 = 0.025 whatever the sizes.
TEST(Group, UnweightedTasksCountAlike) {
  const std::vector<GroupMember> members{{0.5, 0.03, 10}, {0.8, 0.04, 90}};
  const Estimate estimate = unweighted_group_estimate(members);
  EXPECT_NEAR(estimate.value, 0.65, 1e-12);
  EXPECT_NEAR(estimate.hi - estimate.value, t_quantile(0.975, 98) * 0.025, 1e-12);
  EXPECT_EQ(estimate.n, 100);
  EXPECT_TRUE(std::isnan(unweighted_group_estimate({}).value));
}

TEST(Group, SingleSampleTasksHaveNoInterval) {
  const std::vector<GroupMember> members{{1, 0, 1}, {0, 0, 1}};
  EXPECT_EQ(group_estimate(members).value, 0.5);
  EXPECT_FALSE(group_estimate(members).has_interval());
  EXPECT_TRUE(std::isnan(group_estimate({}).value));
}

}  // namespace
}  // namespace sizeup
