// What `sizeup bench --scenario` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "core/json/json_fwd.h"
#include "harness/load/summary.h"
#include "harness/load/sweep.h"

namespace sizeup::cli {

struct LoadReport {
  ModelCard model;
  std::string date;
  std::string machine;  // JSON, see harness/run/machine.h: where this program ran, not an endpoint
  std::string prompts;  // in words
  int warm_up = 0;
  std::vector<LoadSummary> summaries;  // one for each scenario
  std::optional<SweepGoal> goal;
  std::optional<Sweep> sweep;
};

Json load_to_json(const LoadReport& report);
std::string load_to_text(const LoadReport& report);

}  // namespace sizeup::cli
