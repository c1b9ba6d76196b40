// What was measured under load, in numbers to print: definitions as in MLPerf and in the serving benchmarks
// of vLLM and SGLang.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/load/limits.h"
#include "harness/load/measure.h"
#include "harness/statistics/histogram.h"
#include "harness/statistics/interval.h"

namespace sizeup {

// Milliseconds. `supported`: by the early-stopping rule so many queries say something about this percentile;
// else it is "not enough queries".
struct LoadPercentile {
  double percent = 0.0;
  Estimate estimate;
  bool supported = false;
  int64_t needed = 0;
};

struct LoadQuantity {
  std::string name;     // "ttft", "tpot", "itl", "total"
  std::string meaning;  // "time to the first token"
  int64_t n = 0;        // requests (itl: gaps) that have it
  double mean = kNoNumber;
  std::vector<LoadPercentile> percentiles;  // 50, 90, 95, 99
};

// A part of the measurement's time, of the requests that were due in it.
struct LoadWindow {
  double begin_s = 0.0;  // from the first measured request on
  double end_s = 0.0;
  int64_t due = 0;
  int64_t finished = 0;  // answers that were complete in it, whenever they were due
  double median_ttft = kNoNumber;
  double median_total = kNoNumber;
};

struct LoadSummary {
  Scenario scenario;
  LatencyLimits limits;
  int64_t requests = 0;
  int64_t failed = 0;
  double seconds = 0.0;  // from the first request that was due to the last answer
  double requests_per_second = 0.0;
  double prompt_tokens_per_second = 0.0;
  double completion_tokens_per_second = 0.0;
  std::optional<double> goodput;          // requests a second that meet every limit
  std::optional<double> correct_goodput;  // those that are right, too
  std::vector<LoadQuantity> quantities;   // none in scenario `offline`
  std::vector<HistogramBar> histogram;    // of total, milliseconds
  std::vector<LoadWindow> windows;        // twenty of the same length
};

// `right` says of a request, by its place, whether its answer is right; may be empty.
LoadSummary summarize(const LoadMeasurement& measurement, const LatencyLimits& limits,
                      const std::function<bool(size_t request)>& right = {});

}  // namespace sizeup
