// What one run left in the store, read once: the input of every part of a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/store/read.h"
#include "reports/report.h"

namespace sizeup {

// How much of a run's samples and answers is kept: all; all but their texts, which are most of what is
// stored; or nothing but what differences are made of, a few bytes an answer.
enum class Rows { whole, without_texts, scores_alone };

// A sample's score by the metric that differences compare.
struct SampleScore {
  int64_t row = 0;  // in the task's data
  int64_t sample = 0;
  int64_t document = 0;  // in the task, from 0; samples of one document depend on each other
  double value = 0.0;
};

// One model on one task. Answers come from scenario offline where it exists, timings from the run's other
// one.
struct Cell {
  bool present = false;
  EvaluationRow evaluation;
  int64_t answered = 0;  // answers there are, those of failed requests included
  std::vector<ResultRow> results;
  std::vector<AnswerRow> answers;   // none with Rows::scores_alone
  std::vector<SampleScore> scores;  // by RunContent::pair_metrics, in the order of the data
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
  std::vector<std::string> pair_metrics;        // [task], what differences compare; empty: nothing can be
  std::vector<std::vector<SampleRow>> samples;  // [task], in the order of the data; see Rows
};

// Empty: the latest run. Of several, the first is `run`; what two of them have of one model and task comes
// from the one named first.
Result<RunContent> read_run_content(const Store& store, const std::vector<std::string>& runs, Rows rows);

// The part of it that chooses pair_metrics and fills the cells' scores; all else must have been read.
Result<void> read_pair_scores(const Store& store, Rows rows, RunContent& content);

}  // namespace sizeup
