#include "harness/load/measure.h"

#include <cmath>
#include <mutex>
#include <utility>

#include "harness/load/arrivals.h"

namespace sizeup {
namespace {

// What has been measured of the requests so far. The source writes when they are due, the sink the rest;
// both come from threads of their own.
class Stopwatch : public RequestSource, public ResponseSink {
 public:
  Stopwatch(std::vector<Request> requests, const LoadOptions& options, LoadClock& clock, ResponseSink* sink)
      : requests_(std::move(requests)),
        warm_up_(static_cast<size_t>(options.warm_up)),
        clock_(clock),
        sink_(sink),
        times_(requests_.size()),
        last_token_(requests_.size()),
        waited_(requests_.size()) {
    const Scenario& scenario = options.scenario;
    if (scenario.kind == Scenario::Kind::server) {
      const double begin = clock.now();
      due_ = arrival_times(requests_.size(), scenario.qps, scenario.burstiness, options.seed);
      for (double& due : due_) due += begin;
    }
  }

  std::optional<Request> next() override {
    if (next_ == requests_.size()) return std::nullopt;
    if (!due_.empty() && !clock_.wait_until(due_[next_])) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const double now = clock_.now();
    times_[next_].due = due_.empty() ? now : due_[next_];
    waited_[next_] = now - times_[next_].due;
    Request request = std::move(requests_[next_]);
    request.id = next_++;
    return request;
  }

  void abandon() override { clock_.interrupt(); }

  void on_token(uint64_t id, int32_t token, double elapsed_ms) override {
    {
      const std::lock_guard lock(mutex_);
      const double now = clock_.now();
      if (std::isnan(times_[id].first)) {
        times_[id].first = now;
      } else if (id >= warm_up_) {
        gaps_.push_back(static_cast<float>(now - last_token_[id]));
      }
      last_token_[id] = now;
    }
    if (sink_ != nullptr) sink_->on_token(id, token, elapsed_ms);
  }

  void on_response(Response response) override {
    {
      const std::lock_guard lock(mutex_);
      RequestTimes& times = times_[response.id];
      times.last = clock_.now();
      times.failed = response.error.has_value();
      times.prompt_tokens = response.prompt_tokens;
      times.completion_tokens = response.completion_tokens;
      if (std::isnan(times.first)) times.first = times.last;
      response.timing.ttft_ms += waited_[response.id];
      response.timing.total_ms += waited_[response.id];
    }
    if (sink_ != nullptr) sink_->on_response(std::move(response));
  }

  std::optional<AnswerFacts> facts_of(std::span<const Response> responses) override {
    return sink_ == nullptr ? std::nullopt : sink_->facts_of(responses);
  }

  LoadMeasurement take(const Scenario& scenario) {
    times_.erase(times_.begin(), times_.begin() + static_cast<ptrdiff_t>(warm_up_));
    return {scenario, std::move(times_), std::move(gaps_), {}};
  }

 private:
  std::vector<Request> requests_;
  size_t warm_up_;
  LoadClock& clock_;
  ResponseSink* sink_;
  std::vector<double> due_;  // in scenario `server`
  size_t next_ = 0;
  std::mutex mutex_;
  std::vector<RequestTimes> times_;
  std::vector<double> last_token_;
  std::vector<double> waited_;  // from when it was due to when the backend took it
  std::vector<float> gaps_;
};

RunOptions run_options(const LoadOptions& options, size_t requests) {
  RunOptions run;
  run.threads = options.threads;
  switch (options.scenario.kind) {
    case Scenario::Kind::offline:
      break;
    case Scenario::Kind::single:
      run.max_concurrent = 1;
      break;
    case Scenario::Kind::concurrent:
      run.max_concurrent = options.scenario.streams;
      break;
    case Scenario::Kind::server:
      // A limit that is never reached: it tells the engine not to wait for all requests before it begins.
      run.max_concurrent = static_cast<int>(requests);
      break;
  }
  return run;
}

}  // namespace

Result<LoadMeasurement> measure_load(Backend& backend, std::vector<Request> requests,
                                     const LoadOptions& options, LoadClock& clock, std::stop_token stop,
                                     ResponseSink* sink) {
  require(options.warm_up >= 0 && static_cast<size_t>(options.warm_up) < requests.size(),
          "something is left to measure after the warm-up");
  const RunOptions run = run_options(options, requests.size());
  Stopwatch stopwatch(std::move(requests), options, clock, sink);
  Result<RunCounts> ran = backend.run(stopwatch, stopwatch, run, stop);
  if (!ran) return forward_error(ran);
  if (stop.stop_requested())
    return tl::unexpected<Error>(
        Error{ErrorKind::interrupted, "", "stopped while load was measured", "", ""});
  LoadMeasurement measurement = stopwatch.take(options.scenario);
  measurement.counts = std::move(*ran);
  return measurement;
}

}  // namespace sizeup
