// Servers whose delays are known, in a time that does not pass by itself.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "harness/load/measure.h"

namespace sizeup {

class VirtualClock : public LoadClock {
 public:
  double now() override { return now_; }
  bool wait_until(double time) override {
    now_ = std::max(now_, time);
    return !interrupted_;
  }
  void interrupt() override { interrupted_ = true; }
  void set(double time) { now_ = time; }

 private:
  double now_ = 0.0;
  bool interrupted_ = false;
};

// How long a request takes from when its turn comes.
struct Service {
  double first = 0.0;      // milliseconds to the first token
  double per_token = 0.0;  // for each after it
  int tokens = 1;
  bool fails = false;
  bool whole = false;  // no token is told of before the answer
};

class SimulatedBackend : public Backend {
 public:
  // `alone`: one request at a time, in the order of arrival; else every request is served at once.
  SimulatedBackend(VirtualClock& clock, bool alone, std::function<Service(size_t)> service)
      : clock_(clock), alone_(alone), service_(std::move(service)) {}

  const ModelCard& card() const override { return card_; }
  Result<std::string> render(const Prompt&) const override { return std::string(); }

  Result<RunCounts> run(RequestSource& source, ResponseSink& sink, const RunOptions& options,
                        std::stop_token) override {
    max_concurrent = options.max_concurrent;
    struct Taken {
      size_t id = 0;
      double at = 0.0;
    };
    std::vector<Taken> taken;
    while (const std::optional<Request> request = source.next()) {
      if (alone_) {
        serve(request->id, clock_.now(), sink);
      } else {
        taken.push_back({request->id, clock_.now()});
      }
    }
    for (const Taken& one : taken) serve(one.id, one.at, sink);
    return RunCounts{};
  }

  int max_concurrent = -1;

 private:
  void serve(size_t id, double begin, ResponseSink& sink) {
    const Service service = service_(id);
    Response response;
    response.id = id;
    response.finish = FinishReason::stop;
    response.prompt_tokens = 7;
    response.completion_tokens = service.tokens;
    if (service.fails) response.error = Error{ErrorKind::unavailable, "", "out of order", "", ""};
    for (int token = 0; token < service.tokens; ++token) {
      clock_.set(begin + service.first + token * service.per_token);
      if (!service.whole) sink.on_token(id, token, 0.0);
    }
    sink.on_response(std::move(response));
  }

  VirtualClock& clock_;
  bool alone_;
  std::function<Service(size_t)> service_;
  ModelCard card_;
};

inline std::vector<Request> requests(size_t count) {
  Generate ask;
  ask.prompt = "Why?";
  Request request;
  request.ask = ask;
  return std::vector<Request>(count, request);
}

inline LoadMeasurement measured(SimulatedBackend& backend, VirtualClock& clock, size_t count,
                                const LoadOptions& options) {
  return measure_load(backend, requests(count), options, clock, {}).value();
}

}  // namespace sizeup
