// The passes of a planned run: for each model all answers (offline), then its latencies under load.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <unordered_set>

#include "harness/load/measure.h"
#include "harness/run/batch.h"
#include "harness/run/collector.h"
#include "harness/run/pass_energy.h"
#include "harness/run/pass_progress.h"
#include "harness/run/plan_run.h"
#include "harness/run/progress.h"
#include "harness/run/run.h"
#include "harness/store/store.h"
#include "harness/store/writer.h"

namespace sizeup {

struct ExecutionCounts {
  int64_t sent = 0;        // offline requests
  int64_t from_store = 0;  // offline responses that the store had
  int64_t measured = 0;    // requests whose latency was measured
};

class Execution {
 public:
  Execution(RunPlan& plan, Store& store, ProgressSink& progress, std::stop_token stop,
            const RunEnvironment& environment);

  // Error `interrupted` after a stop; whatever was answered is in the store.
  Result<ExecutionCounts> run();

 private:
  std::vector<const PlannedEvaluation*> unfinished(size_t model, const std::string& scenario) const;
  void announce() const;
  Result<void> offline_pass(size_t model);
  // The backend's runs of one offline pass together: one for each portion of its samples, or one for each
  // turn of the portion's longest conversation.
  struct PassRuns {
    std::optional<double> wall_ms;
    PassEnergy energy;
    RunCounts counts;
  };

  Result<void> hold_samples(const std::vector<EvaluationPart>& portion);
  Result<void> answer_portion(size_t model, const std::vector<EvaluationPart>& portion,
                              std::stop_source& abort, PassUsage& usage, PassRuns& runs);
  Result<void> answer(size_t model, Batch& batch, std::stop_source& abort, PassUsage& usage, PassRuns& runs);
  Result<void> finish_offline(const std::vector<const PlannedEvaluation*>& evaluations, const PassUsage& pass,
                              const PassRuns& runs);
  // The last portion of a pass, and sums over all.
  struct MeasuredLoad {
    struct MeasuredSample {
      const PlannedEvaluation* evaluation = nullptr;
      int64_t id = 0;
    };
    LoadMeasurement measurement;
    std::vector<MeasuredSample> samples;  // of its requests
    double wall_ms = 0.0;
    int64_t failed = 0;
  };

  Result<void> latency_pass(size_t model);
  Result<void> measure_portion(size_t model, const std::vector<EvaluationPart>& portion, MeasuredLoad& load);
  Result<std::vector<ResultRow>> load_results(const PlannedEvaluation& evaluation,
                                              const MeasuredLoad& load) const;
  Result<std::unordered_set<int64_t>> right_samples(const PlannedEvaluation& evaluation) const;
  Result<void> finish_offline(const PlannedEvaluation& evaluation,
                              const std::optional<MeasurementRow>& measurement, const EvaluationUsage& usage,
                              const std::optional<std::string>& counts);
  Error interrupted() const;

  RunPlan& plan_;
  Store& store_;
  ProgressSink& sink_;
  std::stop_token stop_;
  std::vector<bool> finished_;  // evaluations that a resumed run had finished before
  ExecutionCounts counts_;
  size_t portion_samples_;
  PassProgress progress_;
  StoreWriter writer_;
};

}  // namespace sizeup
