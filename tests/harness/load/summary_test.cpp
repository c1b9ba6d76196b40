#include "harness/load/summary.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simulated.h"

namespace sizeup {
namespace {

using Kind = Scenario::Kind;

// Requests that took 1, 2, ... `count` ms to their only token, each sent when the one before was ready.
LoadMeasurement ramp(size_t count, Kind kind = Kind::single) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t id) {
    return Service{static_cast<double>(id + 1), 0.0, 1};
  });
  return measured(backend, clock, count, {.scenario = {.kind = kind}});
}

const LoadQuantity& quantity(const LoadSummary& summary, const std::string& name) {
  for (const LoadQuantity& one : summary.quantities) {
    if (one.name == name) return one;
  }
  throw std::runtime_error("no " + name);
}

// numpy.percentile(numpy.arange(1, 1001), [50, 90, 95, 99])
TEST(LoadSummary, PercentilesAreThoseOfTheKnownDelays) {
  const LoadSummary summary = summarize(ramp(1000), {});
  const LoadQuantity& total = quantity(summary, "total");
  ASSERT_EQ(total.percentiles.size(), 4U);
  EXPECT_NEAR(total.percentiles[0].estimate.value, 500.5, 1e-9);
  EXPECT_NEAR(total.percentiles[1].estimate.value, 900.1, 1e-9);
  EXPECT_NEAR(total.percentiles[2].estimate.value, 950.05, 1e-9);
  EXPECT_NEAR(total.percentiles[3].estimate.value, 990.01, 1e-9);
  EXPECT_LT(total.percentiles[0].estimate.lo, 500.5);
  EXPECT_GT(total.percentiles[0].estimate.hi, 500.5);
  EXPECT_NEAR(total.mean, 500.5, 1e-9);
  EXPECT_NEAR(summary.seconds, 500.5, 1e-9);
  EXPECT_NEAR(summary.requests_per_second, 1000.0 / 500.5, 1e-12);
  EXPECT_NEAR(summary.prompt_tokens_per_second, 7000.0 / 500.5, 1e-12);
  EXPECT_TRUE(total.percentiles[3].supported);
  EXPECT_EQ(quantity(summary, "tpot").n, 0) << "answers of one token have no time per token";
}

TEST(LoadSummary, ATailNeedsEnoughQueries) {
  const LoadSummary summary = summarize(ramp(100), {});
  const LoadQuantity& total = quantity(summary, "total");
  EXPECT_TRUE(total.percentiles[1].supported);  // p90 needs 64
  EXPECT_FALSE(total.percentiles[3].supported);
  EXPECT_EQ(total.percentiles[3].needed, 662);
}

TEST(LoadSummary, OfflineHasNoLatencies) {
  const LoadSummary summary = summarize(ramp(10, Kind::offline), {.total = 3.0});
  EXPECT_TRUE(summary.quantities.empty());
  EXPECT_TRUE(summary.histogram.empty());
  EXPECT_FALSE(summary.goodput.has_value());
  EXPECT_NEAR(summary.requests_per_second, 10 / 0.055, 1e-9);
}

TEST(LoadSummary, GoodputCountsRequestsThatMeetEveryLimit) {
  VirtualClock clock;
  // To the first token 10 ms, then 1, 2, 3 ... ms for each of three more; every third request fails.
  SimulatedBackend backend(clock, true, [](size_t id) {
    return Service{10.0, static_cast<double>(id + 1), 4, id % 3 == 2};
  });
  const LoadMeasurement load = measured(backend, clock, 9, {.scenario = {.kind = Kind::single}});
  const LoadSummary summary =
      summarize(load, {.ttft = 10.5, .tpot = 5.0}, [](size_t request) { return request != 0; });
  EXPECT_EQ(summary.requests, 9);
  EXPECT_EQ(summary.failed, 3);
  // Requests 0, 1, 3, 4 (1, 2, 4 and 5 ms a token); 2 failed, 0 is wrong.
  EXPECT_NEAR(*summary.goodput * summary.seconds, 4.0, 1e-9);
  EXPECT_NEAR(*summary.correct_goodput * summary.seconds, 3.0, 1e-9);
  EXPECT_NEAR(summary.requests_per_second * summary.seconds, 6.0, 1e-9);
  EXPECT_NEAR(*summarize(load, {.ttft = 9.9}).goodput, 0.0, 1e-12);
  EXPECT_FALSE(summarize(load, {}).goodput.has_value());
  EXPECT_FALSE(summarize(load, {.total = 1.0}).correct_goodput.has_value());
}

TEST(LoadSummary, AnswersThatComeWholeMeetNoLimitPerToken) {
  RequestTimes whole{.due = 0, .first = 10, .last = 10, .prompt_tokens = 1, .completion_tokens = 5};
  EXPECT_FALSE((LatencyLimits{.tpot = 1000.0}).met_by(whole));
  EXPECT_TRUE((LatencyLimits{.ttft = 10.0, .total = 10.0}).met_by(whole));
  whole.completion_tokens = 1;
  EXPECT_TRUE((LatencyLimits{.tpot = 0.001}).met_by(whole));
}

TEST(LoadSummary, WindowsAndBarsHoldEveryRequest) {
  const LoadSummary summary = summarize(ramp(500), {});
  int64_t due = 0;
  int64_t finished = 0;
  for (const LoadWindow& window : summary.windows) {
    due += window.due;
    finished += window.finished;
  }
  EXPECT_EQ(due, 500);
  EXPECT_EQ(finished, 500);
  EXPECT_GT(summary.windows.back().median_total, 400.0) << "the last ones took longest";
  EXPECT_LT(summary.windows.front().median_total, 120.0);
  int64_t bars = 0;
  for (const HistogramBar& bar : summary.histogram) {
    bars += bar.count;
    EXPECT_NEAR(bar.to / bar.from, std::pow(2.0, 0.25), 1e-12);
  }
  EXPECT_EQ(bars, 500);
  EXPECT_LE(summary.histogram.front().from, 1.0);
  EXPECT_GT(summary.histogram.back().to, 500.0);
}

TEST(LoadSummary, NothingAnsweredIsNoNumber) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t) { return Service{1.0, 0.0, 1, true}; });
  const LoadSummary summary =
      summarize(measured(backend, clock, 3, {.scenario = {.kind = Kind::single}}), {.total = 5.0});
  EXPECT_EQ(summary.failed, 3);
  EXPECT_EQ(summary.requests_per_second, 0.0);
  EXPECT_EQ(*summary.goodput, 0.0);
  EXPECT_TRUE(std::isnan(quantity(summary, "total").mean));
  EXPECT_TRUE(summary.histogram.empty());
}

}  // namespace
}  // namespace sizeup
