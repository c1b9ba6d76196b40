#include "harness/load/sweep.h"

#include <gtest/gtest.h>

#include "simulated.h"

namespace sizeup {
namespace {

using Kind = Scenario::Kind;

// One request at a time, 10 ms each: 100 a second, if they come evenly.
Result<LoadMeasurement> hundred_a_second(const Scenario& scenario, size_t count) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t) { return Service{10.0, 0.0, 1}; });
  return measured(backend, clock, count, {.scenario = scenario});
}

TEST(Sweep, FindsTheRateThatAServerKeepsUpWith) {
  for (const double first : {1.0, 60.0, 7000.0}) {
    const SweepOptions options{.first_qps = first, .burstiness = 1e6, .precision = 0.02, .most_points = 30};
    const Sweep sweep =
        find_highest_rate([](const Scenario& scenario) { return hundred_a_second(scenario, 500); },
                          {.limits = {.total = 15.0}, .percent = 95.0}, options)
            .value();
    ASSERT_TRUE(sweep.highest.has_value());
    EXPECT_TRUE(sweep.bounded);
    EXPECT_GT(*sweep.highest, 96.0) << first;
    EXPECT_LT(*sweep.highest, 101.0) << first;
    for (const SweepPoint& point : sweep.points) {
      EXPECT_EQ(point.meets == Meets::yes, point.qps <= *sweep.highest) << point.qps;
      EXPECT_EQ(point.summary.scenario.qps, point.qps);
    }
  }
}

// With Poisson arrivals a queue forms long before: the waiting time of M/D/1 is in the textbooks; here it is
// enough that an honest clock sees it.
TEST(Sweep, BurstsCostRate) {
  const auto highest = [](double burstiness) {
    return *find_highest_rate([](const Scenario& scenario) { return hundred_a_second(scenario, 1000); },
                              {.limits = {.total = 15.0}, .percent = 95.0},
                              {.first_qps = 20.0, .burstiness = burstiness, .most_points = 30})
                .value()
                .highest;
  };
  EXPECT_LT(highest(1.0), 0.6 * highest(1e6));
  EXPECT_LT(highest(0.25), 0.6 * highest(1.0));
}

TEST(Sweep, ALimitThatNoRateMeetsHasNoAnswer) {
  const Sweep sweep =
      find_highest_rate([](const Scenario& scenario) { return hundred_a_second(scenario, 500); },
                        {.limits = {.total = 9.0}}, {.first_qps = 4.0, .most_points = 5})
          .value();
  EXPECT_FALSE(sweep.highest.has_value());
  EXPECT_FALSE(sweep.bounded);
  ASSERT_EQ(sweep.points.size(), 5U);
  EXPECT_DOUBLE_EQ(sweep.points[4].qps, 0.25);
}

// LoadGen's rule at p95 and 99 %: with none over the limit 90 queries are needed (0.95^90 < 0.01).
TEST(Sweep, TooFewRequestsProveNothing) {
  const SweepGoal goal{.limits = {.total = 15.0}, .percent = 95.0};
  const Scenario slow{.kind = Kind::server, .qps = 1.0, .burstiness = 1e6};
  EXPECT_EQ(meets(*hundred_a_second(slow, 89), goal), Meets::not_enough);
  EXPECT_EQ(meets(*hundred_a_second(slow, 90), goal), Meets::yes);
  const Scenario fast{.kind = Kind::server, .qps = 1000.0, .burstiness = 1e6};
  EXPECT_EQ(meets(*hundred_a_second(fast, 90), goal), Meets::no);
}

// 100 requests that arrive at once are answered within the limit, but no such rate can be kept up.
TEST(Sweep, ARateThatIsNotKeptUpIsNotMet) {
  const Sweep sweep =
      find_highest_rate([](const Scenario& scenario) { return hundred_a_second(scenario, 100); },
                        {.limits = {.total = 2000.0}}, {.first_qps = 10.0, .most_points = 20})
          .value();
  ASSERT_TRUE(sweep.bounded);
  EXPECT_LT(*sweep.highest, 250.0);
}

TEST(Sweep, EveryLimitCountsAndSoDoFailures) {
  LoadMeasurement load;
  load.requests.assign(200, {.due = 0, .first = 10, .last = 30, .prompt_tokens = 1, .completion_tokens = 5});
  EXPECT_EQ(meets(load, {.limits = {.ttft = 10.0, .tpot = 5.0, .total = 30.0}}), Meets::yes);
  EXPECT_EQ(meets(load, {.limits = {.ttft = 9.0, .total = 30.0}}), Meets::no);
  EXPECT_EQ(meets(load, {.limits = {.tpot = 4.9}}), Meets::no);
  for (size_t i = 0; i < 20; ++i) load.requests[i].failed = true;
  EXPECT_EQ(meets(load, {.limits = {.total = 30.0}}), Meets::no);
}

TEST(Sweep, ABrokenBackendEndsIt) {
  int calls = 0;
  const Result<Sweep> sweep = find_highest_rate(
      [&](const Scenario&) -> Result<LoadMeasurement> {
        ++calls;
        return unavailable("model", "gone", "");
      },
      {.limits = {.total = 1.0}}, {});
  EXPECT_FALSE(sweep.has_value());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace sizeup
