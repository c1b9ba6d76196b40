#include "harness/load/measure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/random/counter_random.h"
#include "harness/load/arrivals.h"
#include "simulated.h"

namespace sizeup {
namespace {

using Kind = Scenario::Kind;

TEST(MeasureLoad, TakesTheTimeOfEveryToken) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t) { return Service{40.0, 5.0, 4}; });
  const LoadMeasurement load = measured(backend, clock, 3, {.scenario = {.kind = Kind::single}});
  EXPECT_EQ(backend.max_concurrent, 1);
  ASSERT_EQ(load.requests.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    const RequestTimes& times = load.requests[i];
    EXPECT_DOUBLE_EQ(times.due, 55.0 * static_cast<double>(i));
    EXPECT_DOUBLE_EQ(times.ttft(), 40.0);
    EXPECT_DOUBLE_EQ(times.total(), 55.0);
    EXPECT_DOUBLE_EQ(times.tpot(), 5.0);
    EXPECT_EQ(times.prompt_tokens, 7);
    EXPECT_EQ(times.completion_tokens, 4);
    EXPECT_TRUE(times.answered());
  }
  EXPECT_EQ(load.token_gaps, std::vector<float>(9, 5.0F));
}

TEST(MeasureLoad, TheWarmUpIsSentAndNotMeasured) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t id) { return Service{id < 2 ? 500.0 : 10.0, 1.0, 2}; });
  const LoadMeasurement load =
      measured(backend, clock, 5, {.scenario = {.kind = Kind::single}, .warm_up = 2});
  ASSERT_EQ(load.requests.size(), 3U);
  EXPECT_DOUBLE_EQ(load.requests[0].due, 2 * 501.0);
  EXPECT_DOUBLE_EQ(load.requests[0].ttft(), 10.0);
  EXPECT_EQ(load.token_gaps.size(), 3U);
}

TEST(MeasureLoad, WhatCameWholeHasNoTimePerToken) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t) { return Service{10.0, 5.0, 3, false, true}; });
  const LoadMeasurement load = measured(backend, clock, 1, {.scenario = {.kind = Kind::single}});
  EXPECT_DOUBLE_EQ(load.requests[0].ttft(), 20.0);
  EXPECT_TRUE(std::isnan(load.requests[0].tpot()));
  EXPECT_TRUE(load.token_gaps.empty());
}

TEST(MeasureLoad, AFailedRequestIsNoAnswer) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t id) { return Service{1.0, 0.0, 1, id == 1}; });
  const LoadMeasurement load =
      measured(backend, clock, 2, {.scenario = {.kind = Kind::concurrent, .streams = 4}});
  EXPECT_EQ(backend.max_concurrent, 4);
  EXPECT_TRUE(load.requests[0].answered());
  EXPECT_FALSE(load.requests[1].answered());
}

// Requests that wait in a queue have waited, although the server took each of them in no time.
TEST(MeasureLoad, AServerThatFallsBehindCannotHide) {
  VirtualClock clock;
  const Scenario scenario{.kind = Kind::server, .qps = 100.0, .burstiness = 1e6};
  SimulatedBackend backend(clock, true, [](size_t) { return Service{30.0, 0.0, 1}; });
  const LoadMeasurement load = measured(backend, clock, 100, {.scenario = scenario});
  EXPECT_EQ(backend.max_concurrent, 100);
  // Each is due 10 ms after the one before and ready 30 ms after it.
  EXPECT_NEAR(load.requests[99].total(), 30.0 + 99 * 20.0, 5.0);
  EXPECT_NEAR(load.requests[99].due - load.requests[0].due, 990.0, 5.0);
}

// In equilibrium a queue with Poisson arrivals and exponential service keeps a customer for 1 / (mu - lambda)
// in the mean (any textbook on M/M/1), here 1 / (100 - 70) s; the service alone would be 10 ms.
TEST(MeasureLoad, LatenciesAreThoseOfQueueingTheory) {
  VirtualClock clock;
  const Scenario scenario{.kind = Kind::server, .qps = 70.0};
  SimulatedBackend backend(clock, true, [](size_t id) {
    return Service{-10.0 * std::log(1.0 - uniform(99, 0, id)), 0.0, 1};
  });
  const LoadMeasurement load =
      measured(backend, clock, 100'000, {.scenario = scenario, .warm_up = 1000, .seed = 5});
  double sum = 0.0;
  for (const RequestTimes& request : load.requests) sum += request.total();
  EXPECT_NEAR(sum / static_cast<double>(load.requests.size()), 1000.0 / 30.0, 3.0);
}

// On a clock that runs: nothing is sent before it is due, and nothing is measured shorter than it took.
TEST(MeasureLoad, RequestsAreNotSentBeforeTheyAreDue) {
  class Instant : public Backend {
   public:
    const ModelCard& card() const override { return card_; }
    Result<std::string> render(const Prompt&) const override { return std::string(); }
    Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions&,
                          std::stop_token) override {
      while (const std::optional<Request> request = source.next()) {
        taken.push_back(clock->now());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        Response response;
        response.id = request->id;
        sink.on_response(std::move(response));
      }
      return RunCounts{};
    }
    SteadyClock* clock = nullptr;
    std::vector<double> taken;

   private:
    ModelCard card_;
  };
  SteadyClock clock;
  Instant backend;
  backend.clock = &clock;
  const LoadOptions options{.scenario = {.kind = Kind::server, .qps = 200.0}, .seed = 3};
  const LoadMeasurement load = measure_load(backend, requests(20), options, clock, {}).value();
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_GE(backend.taken[i], load.requests[i].due);
    EXPECT_GE(load.requests[i].total(), 2.0);
  }
  const std::vector<double> arrivals = arrival_times(20, 200.0, 1.0, 3);
  for (size_t i = 1; i < 20; ++i) {
    EXPECT_NEAR(load.requests[i].due - load.requests[0].due, arrivals[i] - arrivals[0], 1e-6);
  }
}

TEST(MeasureLoad, AWaitEndsWhenItIsInterrupted) {
  SteadyClock clock;
  std::thread waiting([&] { EXPECT_FALSE(clock.wait_until(1e9)); });
  clock.interrupt();
  waiting.join();
  EXPECT_FALSE(clock.wait_until(1e9));
}

TEST(MeasureLoad, AStopIsNoMeasurement) {
  VirtualClock clock;
  SimulatedBackend backend(clock, true, [](size_t) { return Service{1.0, 0.0, 1}; });
  std::stop_source stop;
  stop.request_stop();
  const Result<LoadMeasurement> load = measure_load(backend, requests(2), {}, clock, stop.get_token());
  ASSERT_FALSE(load.has_value());
  EXPECT_EQ(load.error().kind, ErrorKind::interrupted);
}

}  // namespace
}  // namespace sizeup
