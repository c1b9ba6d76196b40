// What one run left in the store, read once: the input of every part of a report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/read.h"
#include "reports/report.h"

namespace sizeup {

// One model on one task. Answers come from scenario offline where it exists, timings from the run's other
// one.
struct Cell {
  bool present = false;
  EvaluationRow evaluation;
  std::vector<ResultRow> results;
  std::vector<AnswerRow> answers;
  std::optional<CostRow> cost;
  std::vector<TimingRow> timings;  // in RunContent::latency_scenario
  std::vector<ResultRow> load;     // what was stored with them
};

struct RunContent {
  RunRow run;
  std::vector<ModelRow> models;
  std::vector<TaskRow> tasks;
  std::vector<EvaluationRow> evaluations;
  std::vector<GroupRow> groups;
  std::string
      latency_scenario;  // of the first timings; those of another one are left out. Empty: there are none
  std::vector<std::vector<Cell>> cells;         // [model][task]
  std::vector<std::vector<SampleRow>> samples;  // [task], in the order of the data
};

// Empty: the latest run. Of several, the first is `run`; what two of them have of one model and task comes
// from the one named first.
Result<RunContent> read_run_content(const Store& store, const std::vector<std::string>& runs, Texts texts);

}  // namespace sizeup
