#include "harness/run/execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "core/json/json.h"
#include "core/threads/thread_pool.h"
#include "harness/run/aggregate.h"
#include "harness/run/latency.h"
#include "harness/run/run_cost.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

// Scoring is cheap except for generated code in its sandbox, which waits more than it computes.
constexpr int kMaxScorers = 4;

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string counts_json(const RunCounts& counts) {
  Json json = {{"tokens_asked", counts.tokens_asked},         {"tokens_unique", counts.tokens_unique},
               {"tokens_computed", counts.tokens_computed},   {"tokens_recomputed", counts.tokens_recomputed},
               {"tokens_generated", counts.tokens_generated}, {"tokens_drafted", counts.tokens_drafted},
               {"tokens_accepted", counts.tokens_accepted}};
  if (!counts.notes.empty()) json["notes"] = counts.notes;
  return to_line(json);
}

void add(const RunCounts& more, RunCounts& total) {
  total.tokens_asked += more.tokens_asked;
  total.tokens_unique += more.tokens_unique;
  total.tokens_computed += more.tokens_computed;
  total.tokens_recomputed += more.tokens_recomputed;
  total.tokens_generated += more.tokens_generated;
  total.tokens_drafted += more.tokens_drafted;
  total.tokens_accepted += more.tokens_accepted;
  total.notes.insert(total.notes.end(), more.notes.begin(), more.notes.end());
}

std::vector<Request> take_requests(Batch& batch) {
  std::vector<Request> requests;
  requests.reserve(batch.requests.size());
  for (PendingRequest& pending : batch.requests) {
    requests.push_back(std::move(pending.request));
  }
  return requests;
}

int64_t total_samples(const std::vector<const PlannedEvaluation*>& evaluations) {
  int64_t total = 0;
  for (const PlannedEvaluation* evaluation : evaluations) total += evaluation->row.samples;
  return total;
}

}  // namespace

Execution::Execution(RunPlan& plan, Store& store, ProgressSink& progress, std::stop_token stop,
                     const RunEnvironment& environment)
    : plan_(plan),
      store_(store),
      sink_(progress),
      stop_(std::move(stop)),
      finished_(plan.evaluations.size()),
      portion_samples_(environment.portion_samples),
      progress_(progress,
                static_cast<int64_t>(plan.models.size()) * (plan.settings.latency_samples > 0 ? 2 : 1)),
      writer_(store, environment.commits,
              [this](const Committed& committed) { progress_.on_commit(committed); }) {}

Result<ExecutionCounts> Execution::run() {
  Result<std::vector<EvaluationRow>> rows = read_evaluations(store_, plan_.run.id);
  if (!rows) return forward_error(rows);
  for (const EvaluationRow& row : *rows) {
    for (size_t e = 0; e < plan_.evaluations.size(); ++e) {
      if (plan_.evaluations[e].row.id == row.id) finished_[e] = row.finished_at.has_value();
    }
  }
  announce();
  for (size_t model = 0; model < plan_.models.size(); ++model) {
    if (Result<void> done = offline_pass(model); !done) return forward_error(done);
    if (plan_.settings.latency_samples == 0) continue;
    if (Result<void> done = single_pass(model); !done) return forward_error(done);
  }
  return counts_;
}

std::vector<const PlannedEvaluation*> Execution::unfinished(size_t model, const char* scenario) const {
  std::vector<const PlannedEvaluation*> chosen;
  for (size_t e = 0; e < plan_.evaluations.size(); ++e) {
    const PlannedEvaluation& evaluation = plan_.evaluations[e];
    if (evaluation.model == model && evaluation.row.scenario == scenario && !finished_[e]) {
      chosen.push_back(&evaluation);
    }
  }
  return chosen;
}

void Execution::announce() const {
  sink_.on_message(fmt::format("run {}: protocol {}, chat template {}", plan_.run.name, plan_.run.protocol,
                               plan_.asking.chat_template ? "on" : "off"));
}

Error Execution::interrupted() const {
  return {ErrorKind::interrupted, "",
          fmt::format("run '{}' was stopped; every finished response is stored", plan_.run.name), "",
          "continue it with --resume"};
}

Result<void> Execution::offline_pass(size_t model) {
  const std::vector<const PlannedEvaluation*> evaluations = unfinished(model, "offline");
  if (evaluations.empty()) return {};
  progress_.begin(plan_.models[model].row.name, "offline", total_samples(evaluations));
  std::stop_source abort;
  const std::stop_callback forward(stop_, [&abort] { abort.request_stop(); });
  PassUsage usage;
  PassRuns runs;
  progress_.count(usage);
  Result<void> answered;
  for (const std::vector<EvaluationPart>& portion : portions_of(evaluations, portion_samples_)) {
    if (!answered || abort.stop_requested()) break;
    answered = answer_portion(model, portion, abort, usage, runs);
  }
  progress_.end();
  if (!answered) return answered;
  if (stop_.stop_requested()) return tl::unexpected<Error>(interrupted());
  return finish_offline(evaluations, usage, runs);
}

// What was answered is in the store when this returns: the next portion finds it there.
Result<void> Execution::answer_portion(size_t model, const std::vector<EvaluationPart>& portion,
                                       std::stop_source& abort, PassUsage& usage, PassRuns& runs) {
  Result<Batch> batch = make_batch(plan_, portion, store_, Cache::use);
  if (!batch) return forward_error(batch);
  progress_.found_done(batch->samples_done);
  if (batch->systems_dropped > 0) {
    progress_.message(fmt::format("{}: the chat template refuses a system message; left out in {} prompts",
                                  plan_.models[model].row.name, batch->systems_dropped));
  }
  Result<void> answered = answer(model, *batch, abort, usage, runs);
  while (answered && !abort.stop_requested()) {
    Result<Batch> next = next_turns(plan_, *batch, store_);
    if (!next) {
      answered = forward_error(next);
      break;
    }
    if (next->samples.empty()) break;
    *batch = std::move(*next);
    answered = answer(model, *batch, abort, usage, runs);
  }
  Result<void> flushed = writer_.flush();
  return flushed ? answered : flushed;
}

// A batch that the store does not answer alone is one run of the backend.
Result<void> Execution::answer(size_t model, Batch& batch, std::stop_source& abort, PassUsage& usage,
                               PassRuns& runs) {
  counts_.from_store += static_cast<int64_t>(batch.stored.size());
  const int scorers = std::min(kMaxScorers, ThreadPool::available_processors());
  Collector collector(plan_, batch, writer_, abort, scorers, usage);
  collector.take_stored();
  if (!batch.requests.empty() && !abort.stop_requested()) {
    counts_.sent += static_cast<int64_t>(batch.requests.size());
    RunOptions options;
    options.threads = plan_.settings.threads;
    ListSource source(take_requests(batch));
    const auto meter = energy_meter_for(plan_.models[model].backend->card());
    const Clock::time_point start = Clock::now();
    Result<RunCounts> ran = plan_.models[model].backend->run(source, collector, options, abort.get_token());
    if (!ran) return forward_error(ran);
    for (const std::string& note : ran->notes)
      progress_.message(fmt::format("{}: {}", plan_.models[model].row.name, note));
    if (!plan_.models[model].backend->card().recorded) {
      runs.wall_ms = runs.wall_ms.value_or(0.0) + milliseconds_since(start);
      runs.energy.add(meter);
      add(*ran, runs.counts);
    }
  }
  return collector.finish(!abort.stop_requested());
}

Result<void> Execution::finish_offline(const std::vector<const PlannedEvaluation*>& evaluations,
                                       const PassUsage& pass, const PassRuns& runs) {
  std::optional<std::string> counts;
  if (runs.wall_ms) counts = counts_json(runs.counts);
  double tokens = 0;
  for (const EvaluationUsage& usage : pass.evaluations) {
    tokens += static_cast<double>(usage.input_tokens + usage.output_tokens);
  }
  for (const PlannedEvaluation* evaluation : evaluations) {
    const EvaluationUsage& usage =
        pass.evaluations[static_cast<size_t>(evaluation - plan_.evaluations.data())];
    std::optional<MeasurementRow> measurement;
    if (usage.samples > 0 && runs.wall_ms) {
      const double share =
          tokens > 0 ? static_cast<double>(usage.input_tokens + usage.output_tokens) / tokens : 0.0;
      measurement = {usage.samples, usage.input_tokens, usage.output_tokens,       *runs.wall_ms,
                     share,         plan_.run.name,     usage.cached_input_tokens, runs.energy.joules()};
    }
    Result<void> finished = finish_offline(*evaluation, measurement, usage, counts);
    if (!finished) return finished;
  }
  return {};
}

Result<void> Execution::finish_offline(const PlannedEvaluation& evaluation,
                                       const std::optional<MeasurementRow>& measurement,
                                       const EvaluationUsage& usage,
                                       const std::optional<std::string>& counts) {
  Result<std::vector<AnswerRow>> answers = read_answers(store_, evaluation.row.id);
  if (!answers) return forward_error(answers);
  Result<std::vector<SampleSlices>> slices;
  if (!plan_.tasks[evaluation.task].task->slice_fields().empty()) {
    slices = read_slices(store_, evaluation.row.id);
    if (!slices) return forward_error(slices);
  }
  require(answers->size() == evaluation.samples.size(), "every sample has an answer when its pass is over");

  const LoadedTask& task = plan_.tasks[evaluation.task];
  std::vector<ResultRow> results = aggregate(*task.task, *answers, *slices);
  if (const int64_t bad = task.bad_rows->count(); bad > 0) {
    results.push_back({kBadRows, {}, {}, static_cast<double>(bad), {}, {}, evaluation.row.samples});
  }
  if (measurement) {
    if (Result<void> added = store_.add_measurement(evaluation.row.id, *measurement); !added) return added;
  }
  Result<std::optional<MeasurementRow>> measured = store_.find_measurement(evaluation.row.id);
  if (!measured) return forward_error(measured);
  const auto found = plan_.settings.prices.find(evaluation.row.model.name);
  const auto prices = found == plan_.settings.prices.end() ? std::nullopt : std::optional(found->second);
  const std::vector<MetricRow>& metrics = evaluation.row.task.metrics;
  const std::string headline = metrics.empty() ? "" : metrics.front().name;
  const ModelCard& card = plan_.models[evaluation.model].backend->card();
  const CostRow cost =
      card.recorded ? recorded_cost_row(prices, usage, card.currency, plan_.run.name, *answers, headline)
                    : cost_row(prices, *measured, plan_.run.name, *answers, headline);
  EvaluationRow row = evaluation.row;
  row.finished_at = stored_now();
  if (measurement) row.wall_ms = measurement->pass_ms;
  row.counts = counts;
  return store_.finish_evaluation(row, results, cost);
}

Result<void> Execution::single_pass(size_t model) {
  const std::vector<const PlannedEvaluation*> evaluations = unfinished(model, "single");
  if (evaluations.empty()) return {};
  const auto portions = portions_of(evaluations, std::numeric_limits<size_t>::max());
  Result<Batch> batch = make_batch(plan_, portions.front(), store_, Cache::ignore);
  if (!batch) return forward_error(batch);
  progress_.begin(plan_.models[model].row.name, "single", total_samples(evaluations));
  progress_.found_done(batch->samples_done);
  counts_.measured += static_cast<int64_t>(batch->requests.size());

  std::stop_source abort;
  const std::stop_callback forward(stop_, [&abort] { abort.request_stop(); });
  LatencySink sink(*batch, writer_, abort);
  progress_.count(sink.usage());
  RunOptions options;
  options.threads = plan_.settings.threads;
  options.max_concurrent = 1;
  ListSource source(take_requests(*batch));
  const Clock::time_point start = Clock::now();
  Result<RunCounts> ran = plan_.models[model].backend->run(source, sink, options, abort.get_token());
  const double wall_ms = milliseconds_since(start);
  Result<void> flushed = writer_.flush();
  progress_.end();
  if (!flushed) return flushed;
  if (!ran) return forward_error(ran);
  if (stop_.stop_requested()) return tl::unexpected<Error>(interrupted());
  if (sink.failed_requests() > 0) {
    progress_.message(
        fmt::format("{}: {} requests failed while latency was measured, or have none recorded; their samples "
                    "have no timing",
                    plan_.models[model].row.name, sink.failed_requests()));
  }
  for (const PlannedEvaluation* evaluation : evaluations) {
    EvaluationRow row = evaluation->row;
    row.finished_at = stored_now();
    if (!plan_.models[model].backend->card().recorded) {
      row.wall_ms = wall_ms;
      row.counts = counts_json(*ran);
    }
    if (Result<void> finished = store_.finish_evaluation(row, {}, std::nullopt); !finished) return finished;
  }
  return {};
}

}  // namespace sizeup
