// Everything a run knows before its first request: models opened, tasks loaded, one protocol, the rows to
// store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "harness/run/asking.h"
#include "harness/run/protocol.h"
#include "harness/run/run.h"
#include "harness/run/run_settings.h"
#include "harness/run/task_samples.h"
#include "harness/store/store.h"
#include "tasks/task.h"

namespace sizeup {

struct LoadedModel {
  std::unique_ptr<Backend> backend;
  ModelRow row;
};

struct LoadedTask {
  std::unique_ptr<BadRows> bad_rows = {};  // the task counts in it
  std::unique_ptr<Task> task = {};
  std::optional<TaskSamples> samples = {};
  std::vector<int64_t> sample_ids = {};  // in the store, once the plan is there
  TaskRow row = {};
};

// One model on one task in one scenario.
struct PlannedEvaluation {
  EvaluationRow row;            // with its id once the plan is in the store
  size_t model = 0;             // index into RunPlan::models
  size_t task = 0;              // index into RunPlan::tasks
  std::vector<size_t> samples;  // their places among the task's, in the order of asking
};

struct RunPlan {
  RunRow run;
  RunSettings settings;  // resolved
  Protocol protocol = Protocol::likelihood;
  Asking asking;
  std::vector<LoadedModel> models;
  std::vector<LoadedTask> tasks;
  std::vector<TaskGroup> groups;               // of tasks, by their index
  std::vector<PlannedEvaluation> evaluations;  // offline ones by model and task, then those of latencies
};

// The scenario in which a model's latencies are measured; recorded ones are of one request at a time.
Scenario latency_scenario(const RunPlan& plan, size_t model);

// Opens models, loads tasks. Nothing is written. `run` holds name, now and seed of a run to resume.
Result<RunPlan> plan_run(const RunSettings& settings, const RunEnvironment& environment,
                         const std::optional<RunRow>& resumed);

// Creates the run's rows, or finds those of the run to resume, and fills in the ids.
Result<void> place_in_store(RunPlan& plan, Store& store, bool resumed);

// The `count` samples (all if there are fewer) that a seed picks for the latency pass, in a shuffled order so
// that neighbours in the data do not warm each other's caches.
std::vector<size_t> latency_sample(size_t samples, int count, uint64_t seed);

}  // namespace sizeup
