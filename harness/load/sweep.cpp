#include "harness/load/sweep.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/statistics/percentile.h"

namespace sizeup {
namespace {

Meets meets(int64_t n, int64_t over, double percent) {
  if (static_cast<double>(over) > static_cast<double>(n) * (1.0 - percent / 100.0)) return Meets::no;
  return n - over >= minimum_queries_below(percent, over) ? Meets::yes : Meets::not_enough;
}

}  // namespace

Meets meets(const LoadMeasurement& measurement, const SweepGoal& goal) {
  Meets worst = Meets::yes;
  const auto n = static_cast<int64_t>(measurement.requests.size());
  for (const auto limit : {&LatencyLimits::ttft, &LatencyLimits::tpot, &LatencyLimits::total}) {
    if (!(goal.limits.*limit)) continue;
    LatencyLimits one;
    one.*limit = goal.limits.*limit;
    const int64_t within = std::ranges::count_if(
        measurement.requests, [&](const RequestTimes& request) { return one.met_by(request); });
    const Meets met = meets(n, n - within, goal.percent);
    if (met == Meets::no) return Meets::no;
    if (met == Meets::not_enough) worst = Meets::not_enough;
  }
  return worst;
}

Result<Sweep> find_highest_rate(const std::function<Result<LoadMeasurement>(const Scenario&)>& measure,
                                const SweepGoal& goal, const SweepOptions& options) {
  require(goal.limits.any(), "a sweep has a limit");
  Sweep sweep;
  std::optional<double> unmet;
  double qps = options.first_qps;
  for (int point = 0; point < options.most_points && !sweep.bounded; ++point) {
    const Scenario scenario{.kind = Scenario::Kind::server, .qps = qps, .burstiness = options.burstiness};
    Result<LoadMeasurement> measured = measure(scenario);
    if (!measured) return forward_error(measured);
    LoadSummary summary = summarize(*measured, goal.limits);
    Meets met = meets(*measured, goal);
    // They arrived much faster than they were answered: there were too few for the queue to get long.
    if (met == Meets::yes && summary.requests_per_second < qps / 2) met = Meets::not_enough;
    sweep.points.push_back({qps, met, std::move(summary)});
    if (met == Meets::yes) {
      sweep.highest = qps;
    } else {
      unmet = qps;
    }
    sweep.bounded = sweep.highest && unmet && *unmet <= *sweep.highest * (1.0 + options.precision);
    if (sweep.highest && unmet) {
      qps = std::sqrt(*sweep.highest * *unmet);
    } else {
      qps *= sweep.highest ? 2.0 : 0.5;
    }
  }
  return sweep;
}

}  // namespace sizeup
