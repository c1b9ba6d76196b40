// What a model must reach to pass a gate: rules, each about a task (or all), perhaps a slice of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

// Not worse than the baseline by more than the margin, on the task's comparable metric.
struct NonInferiorCheck {
  double margin = 0.0;  // 0.02: 2 percentage points
};

// A stored metric (or one of the four rates) against a bound.
struct MetricCheck {
  std::string metric;  // "recall:fraud", "invalid_rate", ...
  bool is_minimum = true;
  double bound = 0.0;
  bool by_estimate = false;  // the value decides, not the interval
};

// Invented answers of one kind, as a share: closed_book, unsupported, unanswerable, fabricated.
struct HallucinationCheck {
  std::string kind;
  double maximum = 0.0;
  bool by_estimate = false;
};

// An absolute limit, or how much worse than the baseline (0.2: 20 %), or both.
struct Limit {
  std::optional<double> absolute;
  std::optional<double> change;
};

// A percentile of requests measured in a scenario.
struct LatencyCheck {
  double percent = 95.0;
  std::string scenario = "single";  // one request at a time; as a run's settings name it
  bool first_token = false;         // ttft_ms instead of total_ms
  Limit limit;                      // milliseconds
};

// What a model takes: no intervals, the number decides.
struct ResourceCheck {
  enum class What {
    throughput,  // tokens a second while the tasks were answered at once; at least
    cost,        // of 1,000 samples; at most
    memory,      // megabytes (10^6) of the weights in memory; at most
  };
  What what = What::throughput;
  Limit limit;
};

using Check = std::variant<NonInferiorCheck, MetricCheck, HallucinationCheck, LatencyCheck, ResourceCheck>;

struct Rule {
  std::string place;  // "policy.yaml:12"
  // Empty: every task, but for those that a rule of the same check names; latency, throughput and cost then
  // take all tasks together.
  std::string task;
  // Names of tasks, or patterns of them (fnmatch): the samples of all that fit are judged together, as one
  // task, whatever rules there are for each. With it `task` and the slice are empty.
  std::vector<std::string> pool;
  std::string slice_field;  // empty: the whole task
  std::string slice_value;  // "*": every value
  Check check;
};

struct Policy {
  std::string source;
  std::vector<Rule> rules;
};

// YAML; unknown keys are named with the known ones, and every error with its line.
Result<Policy> read_policy(const std::filesystem::path& file);
Result<Policy> parse_policy(const std::string& text, const std::string& name);

}  // namespace sizeup
