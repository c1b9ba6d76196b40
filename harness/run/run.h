// Runs models through tasks: plan, ask, score, aggregate, measure; every finished response is in the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/model_reference.h"
#include "core/errors/result.h"
#include "harness/run/progress.h"
#include "harness/run/run_settings.h"
#include "harness/store/group_commit.h"
#include "harness/store/records.h"
#include "tasks/selection.h"
#include "tasks/task.h"

namespace sizeup {

// What surrounds a run: how tasks and models are found and opened, what is written about the machine.
struct RunEnvironment {
  std::string program;  // version and commit of sizeup
  std::string machine;  // JSON, see machine.h
  std::function<Result<std::unique_ptr<Backend>>(const ModelReference&)> open_model;
  std::function<Result<TaskSelection>(const std::vector<std::string>& names)> select_tasks;
  std::function<Result<std::unique_ptr<Task>>(const std::string& file, const TaskOptions&)> open_task;
  std::function<Result<TaskGuess>(const OwnData& data, int64_t max_bad_rows)> guess_task;
  GroupLimits commits;
  // So many samples are planned together. A prefix that two portions share is computed twice, so they are
  // large; but not all prompts of a file of millions are held at once.
  size_t portion_samples = 100'000;

  // The registry's backends, the task files under `definitions`, this machine.
  static RunEnvironment standard(const std::filesystem::path& definitions);
};

// One model on one task (scenario offline): the headline metric.
struct EvaluationSummary {
  int64_t evaluation_id = 0;
  std::string model;
  std::string task;
  ResultRow headline;  // value NaN where no sample could be scored
  int64_t samples = 0;
  int64_t failed = 0;              // samples with an error instead of an answer
  std::vector<ResultRow> results;  // all metrics of the whole evaluation, rates included
};

struct RunSummary {
  int64_t run_id = 0;
  std::string run_name;
  std::string protocol;  // "likelihood" or "generative"
  bool chat_template = false;
  std::vector<EvaluationSummary> evaluations;
  std::vector<GroupRow> groups;
  int64_t samples_failed = 0;  // above 0: the program ends with status 1
  int64_t requests_sent = 0;   // offline, by this call
  int64_t requests_from_store = 0;
  int64_t requests_measured = 0;  // whose latency was measured
};

// Executes the settings, or resumes a run. A stop leaves a run that --resume continues (error `interrupted`),
// and so does a backend that breaks; failed requests do not stop a run.
Result<RunSummary> execute(const RunSettings& settings, ProgressSink& progress, std::stop_token stop,
                           const RunEnvironment& environment);

}  // namespace sizeup
