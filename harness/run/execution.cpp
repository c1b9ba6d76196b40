#include "harness/run/execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "backends/run_counts.h"
#include "core/json/json.h"
#include "core/threads/thread_pool.h"
#include "harness/cost/assumptions.h"
#include "harness/load/summary.h"
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
                static_cast<int64_t>(plan.models.size()) * (plan.settings.measures_latency() ? 2 : 1)),
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
    if (!plan_.settings.measures_latency()) continue;
    if (Result<void> done = latency_pass(model); !done) return forward_error(done);
  }
  return counts_;
}

std::vector<const PlannedEvaluation*> Execution::unfinished(size_t model, const std::string& scenario) const {
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
  for (const std::string& warning : old_price_warnings(plan_.settings.prices, plan_.run.created_at))
    sink_.on_message(warning);
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

// From now on only the samples of this portion.
Result<void> Execution::hold_samples(const std::vector<EvaluationPart>& portion) {
  for (LoadedTask& task : plan_.tasks) task.samples->release();
  for (const EvaluationPart& part : portion) {
    const std::vector<size_t>& all = part.evaluation->samples;
    std::vector<size_t> places(all.begin() + static_cast<ptrdiff_t>(part.first),
                               all.begin() + static_cast<ptrdiff_t>(part.last));
    std::sort(places.begin(), places.end());
    Result<void> held = plan_.tasks[part.evaluation->task].samples->hold(places);
    if (!held) return held;
  }
  return {};
}

// What was answered is in the store when this returns: the next portion finds it there.
Result<void> Execution::answer_portion(size_t model, const std::vector<EvaluationPart>& portion,
                                       std::stop_source& abort, PassUsage& usage, PassRuns& runs) {
  if (Result<void> held = hold_samples(portion); !held) return held;
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
  Collector collector(plan_, batch, writer_, abort, scorers, plan_.models[model].backend->tokenizer(), usage);
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
  const LoadedTask& task = plan_.tasks[evaluation.task];
  const std::vector<MetricRow>& metrics = evaluation.row.task.metrics;
  Aggregator aggregator(*task.task);
  AnswerTally answers(metrics.empty() ? "" : metrics.front().name);
  Result<void> read =
      for_each_answer(store_, evaluation.row.id,
                      [&](const AnswerRow& answer, const std::map<std::string, std::string>& slices,
                          const std::string& document_hash) {
                        aggregator.add(answer, slices, document_hash);
                        answers.add(answer);
                      });
  if (!read) return read;
  require(answers.asked() == evaluation.row.samples, "every sample has an answer when its pass is over");

  std::vector<ResultRow> results = aggregator.results();
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
  const ModelCard& card = plan_.models[evaluation.model].backend->card();
  const CostRow cost = card.recorded
                           ? recorded_cost_row(prices, usage, card.currency, plan_.run.name, answers)
                           : cost_row(prices, *measured, plan_.run.name, answers);
  EvaluationRow row = evaluation.row;
  row.finished_at = stored_now();
  if (measurement) row.wall_ms = measurement->pass_ms;
  row.counts = counts;
  return store_.finish_evaluation(row, results, cost);
}

Result<void> Execution::latency_pass(size_t model) {
  const std::string scenario = name_of(latency_scenario(plan_, model));
  const std::vector<const PlannedEvaluation*> evaluations = unfinished(model, scenario);
  if (evaluations.empty()) return {};
  progress_.begin(plan_.models[model].row.name, scenario, total_samples(evaluations));
  const bool recorded = plan_.models[model].backend->card().recorded;
  // Load is offered without a break; recorded times can be as many as there are samples.
  const size_t most = recorded ? portion_samples_ : std::numeric_limits<size_t>::max();
  MeasuredLoad load;
  Result<void> measured;
  for (const std::vector<EvaluationPart>& portion : portions_of(evaluations, most)) {
    measured = measure_portion(model, portion, load);
    if (!measured || stop_.stop_requested()) break;
  }
  if (stop_.stop_requested()) return tl::unexpected<Error>(interrupted());
  if (!measured) return measured;
  if (load.failed > 0) {
    progress_.message(
        fmt::format("{}: {} requests failed while latency was measured, or have none recorded; their samples "
                    "have no timing",
                    plan_.models[model].row.name, load.failed));
  }
  for (const PlannedEvaluation* evaluation : evaluations) {
    EvaluationRow row = evaluation->row;
    row.finished_at = stored_now();
    if (!recorded) {
      row.wall_ms = load.wall_ms;
      row.counts = counts_json(load.measurement.counts);
    }
    Result<std::vector<ResultRow>> results = load_results(*evaluation, load);
    if (!results) return forward_error(results);
    if (Result<void> finished = store_.finish_evaluation(row, *results, std::nullopt); !finished)
      return finished;
  }
  return {};
}

Result<void> Execution::measure_portion(size_t model, const std::vector<EvaluationPart>& portion,
                                        MeasuredLoad& load) {
  if (Result<void> held = hold_samples(portion); !held) return held;
  Result<Batch> batch = make_batch(plan_, portion, store_, Cache::ignore);
  if (!batch) return forward_error(batch);
  progress_.found_done(batch->samples_done);
  counts_.measured += static_cast<int64_t>(batch->requests.size());
  if (batch->requests.empty()) return {};

  std::stop_source abort;
  const std::stop_callback forward(stop_, [&abort] { abort.request_stop(); });
  LatencySink sink(*batch, writer_, abort, plan_.settings.think_end);
  progress_.count(sink.usage());
  const LoadOptions options{.scenario = latency_scenario(plan_, model),
                            .threads = plan_.settings.threads,
                            .seed = plan_.settings.seed};
  SteadyClock clock;
  Result<LoadMeasurement> measured = measure_load(*plan_.models[model].backend, take_requests(*batch),
                                                  options, clock, abort.get_token(), &sink);
  load.wall_ms += clock.now();
  load.failed += sink.failed_requests();
  Result<void> flushed = writer_.flush();
  progress_.end();
  if (!flushed) return flushed;
  if (!measured) return forward_error(measured);
  load.measurement = std::move(*measured);
  load.samples.clear();
  for (const PendingRequest& request : batch->requests) {
    const PendingSample& sample = batch->samples[request.uses.front().sample];
    load.samples.push_back({sample.evaluation, sample.sample_id});
  }
  return {};
}

// What the rates under load were while this task was asked, whose samples are a request each.
Result<std::vector<ResultRow>> Execution::load_results(const PlannedEvaluation& evaluation,
                                                       const MeasuredLoad& load) const {
  std::vector<ResultRow> rows;
  LoadMeasurement own;
  own.scenario = load.measurement.scenario;
  if (own.scenario.kind == Scenario::Kind::single || load.samples.empty()) return rows;
  std::vector<int64_t> samples;
  for (size_t i = 0; i < load.samples.size(); ++i) {
    if (load.samples[i].evaluation != &evaluation) continue;
    own.requests.push_back(load.measurement.requests[i]);
    samples.push_back(load.samples[i].id);
  }
  Result<std::unordered_set<int64_t>> right = right_samples(evaluation);
  if (!right) return forward_error(right);
  const LoadSummary summary = summarize(own, plan_.settings.limits,
                                        [&](size_t request) { return right->contains(samples[request]); });
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) rows.push_back({name, {}, {}, *value, {}, {}, summary.requests});
  };
  add(kRequestsPerSecond, summary.requests_per_second);
  add(kGoodput, summary.goodput);
  add(kCorrectGoodput, summary.correct_goodput);
  return rows;
}

// Those whose answers the offline pass found right, by the task's headline.
Result<std::unordered_set<int64_t>> Execution::right_samples(const PlannedEvaluation& evaluation) const {
  std::unordered_set<int64_t> right;
  const std::vector<MetricRow>& metrics = evaluation.row.task.metrics;
  for (const PlannedEvaluation& other : plan_.evaluations) {
    const bool answers = other.model == evaluation.model && other.task == evaluation.task &&
                         other.row.scenario == "offline" && !metrics.empty();
    if (!answers) continue;
    Result<void> read =
        for_each_answer(store_, other.row.id, [&](const AnswerRow& answer, const auto&, const auto&) {
          const auto score = answer.scores.find(metrics.front().name);
          if (score != answer.scores.end() && score->second >= 0.5) right.insert(answer.sample_id);
        });
    if (!read) return forward_error(read);
  }
  return right;
}

}  // namespace sizeup
