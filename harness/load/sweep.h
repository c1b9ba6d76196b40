// The highest rate of arrivals that a model serves within stated limits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/errors/result.h"
#include "harness/load/summary.h"

namespace sizeup {

// So many per cent of the requests are within each limit.
struct SweepGoal {
  LatencyLimits limits;  // at least one
  double percent = 95.0;
};

enum class Meets {
  yes,         // by MLPerf LoadGen's early-stopping rule at 99 % confidence
  no,          // more requests than may be are over a limit, or failed
  not_enough,  // fewer than may be, but too few requests were sent to say it of others
};

Meets meets(const LoadMeasurement& measurement, const SweepGoal& goal);

struct SweepPoint {
  double qps = 0.0;
  Meets meets = Meets::no;
  LoadSummary summary;
};

struct Sweep {
  std::vector<SweepPoint> points;  // in the order in which they were measured
  std::optional<double> highest;   // rate that was met; nothing: none was
  bool bounded = false;            // a rate that is at most `precision` higher was not met
};

struct SweepOptions {
  double first_qps = 1.0;
  double burstiness = 1.0;
  double precision = 0.05;  // highest and lowest unmet rate differ by this share at most
  int most_points = 16;
};

// Doubles or halves the rate until it is bracketed, then takes the geometric middle. A rate for which too few
// requests were sent counts as not met, and so does one of more than twice the answers a second: it was not
// kept up. `measure` offers the load of scenario `server`.
Result<Sweep> find_highest_rate(const std::function<Result<LoadMeasurement>(const Scenario&)>& measure,
                                const SweepGoal& goal, const SweepOptions& options);

}  // namespace sizeup
