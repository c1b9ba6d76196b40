// Offers requests to a backend as a scenario says, and takes the time of every token.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <vector>

#include "backends/backend.h"
#include "core/errors/result.h"
#include "harness/load/clock.h"
#include "harness/load/scenario.h"

namespace sizeup {

// Times in milliseconds of the clock; NaN: it did not come to that.
struct RequestTimes {
  // When it was to be sent. In `server` that is its arrival, however late the backend takes it, so that one
  // that cannot keep up does not look fast; elsewhere it is when the backend took it.
  double due = std::numeric_limits<double>::quiet_NaN();
  double first = std::numeric_limits<double>::quiet_NaN();  // token; of what came whole: all of it
  double last = std::numeric_limits<double>::quiet_NaN();   // token: the answer is complete
  int prompt_tokens = 0;
  int completion_tokens = 0;
  bool failed = false;

  bool answered() const { return !std::isnan(last) && !failed; }
  double ttft() const { return first - due; }
  double total() const { return last - due; }
  bool has_tpot() const { return completion_tokens > 1; }
  // Of each token after the first; NaN for answers of one token, and for those that came whole.
  double tpot() const {
    return has_tpot() && last > first ? (last - first) / (completion_tokens - 1)
                                      : std::numeric_limits<double>::quiet_NaN();
  }
};

struct LoadMeasurement {
  Scenario scenario;
  std::vector<RequestTimes>
      requests;                   // in the order in which they were offered, without those of the warm-up
  std::vector<float> token_gaps;  // milliseconds between two tokens (or pieces) of an answer, of them all
  RunCounts counts;
};

struct LoadOptions {
  Scenario scenario;
  int warm_up = 0;  // so many requests come first and are not measured
  int threads = 0;  // 0: all available processors
  uint64_t seed = 0;
};

// Ids are given anew, from 0. Answers are thrown away, or passed on to `sink`, whose timings then count from
// when a request was due. An error means that the backend is broken, or `interrupted` after a stop; a request
// that failed says so in its times.
Result<LoadMeasurement> measure_load(Backend& backend, std::vector<Request> requests,
                                     const LoadOptions& options, LoadClock& clock, std::stop_token stop,
                                     ResponseSink* sink = nullptr);

}  // namespace sizeup
