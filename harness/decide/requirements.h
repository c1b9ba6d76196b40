// What a job asks of a model, as its owner writes it down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/errors/result.h"

namespace sizeup {

// Of several models that are good enough, which one.
enum class Preference {
  smallest,  // fewest parameters, then fewest bytes
  cheapest,  // cost of a request
  fastest,   // 95th percentile of the time to the full answer
};

struct MonthlyBudget {
  double amount = 0.0;
  std::string currency;
  double requests = 0.0;  // a month
};

// What is not given is not asked.
struct Requirements {
  std::string source;                      // the file's name; empty: none was given
  std::optional<double> margin;            // of every task: the largest loss against the best model, 0..1
  std::map<std::string, double> margins;   // of tasks, before `margin`
  std::optional<double> minimum;           // of every task's headline metric
  std::map<std::string, double> minimums;  // of tasks, before `minimum`
  std::optional<double> p95_ms;            // to the full answer, one request at a time; at most
  std::optional<MonthlyBudget> budget;
  std::optional<int64_t> memory_bytes;  // of the weights in memory, at most
  bool local_only = false;              // texts stay on own machines
  Preference prefer = Preference::smallest;
};

// YAML with the keys margin, minimum (a number, or one for each task), p95_ms, cost {per_month, currency,
// requests_per_month}, memory ("8 GB", or bytes), local_only and prefer. bad_input with file and line for
// anything else; unknown keys are named with the known ones.
Result<Requirements> read_requirements(const std::filesystem::path& file);
Result<Requirements> parse_requirements(const std::string& text, const std::string& name);

}  // namespace sizeup
