#include "harness/decide/evidence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/json/json.h"
#include "harness/decide/pairs.h"
#include "harness/store/model_text.h"
#include "harness/store/read.h"
#include "harness/store/read_outcomes.h"

namespace sizeup {
namespace {

constexpr size_t kMostListed = 12;  // names in an error

std::string listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kMostListed);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "));
  return names.size() > shown ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

void fill_model(const ModelRow& row, Evidence& evidence) {
  evidence.model = row.name;
  evidence.reference = shown_reference(row);
  evidence.fingerprint = row.fingerprint;
  const Result<Json> card = parse_json(row.card, "the model's card");
  if (!card || !card->is_object()) return;
  evidence.precision = text_of(*card, "precision");
  const auto bytes = card->find("packed_bytes");
  if (bytes != card->end() && bytes->is_number_integer()) evidence.packed_bytes = bytes->get<int64_t>();
}

// Mostly the first of all metrics can be compared, and nothing is read twice.
Result<void> fill_samples(const Store& store, const EvaluationRow& evaluation, EvidenceTask& task) {
  const auto read = [&](const std::string& metric) -> Result<ScoreRange> {
    Result<std::vector<OutcomeRow>> outcomes = read_outcomes(store, evaluation.id, metric);
    if (!outcomes) return forward_error(outcomes);
    task.samples = std::move(*outcomes);
    ScoreRange range;
    for (const OutcomeRow& row : task.samples) range.add(row.score);
    return range;
  };
  Result<std::string> metric = comparable_metric(evaluation.task.metrics, read);
  if (!metric) return forward_error(metric);
  task.metric = std::move(*metric);
  if (!task.metric.empty()) return {};
  if (Result<ScoreRange> unscored = read(task.metric); !unscored) return forward_error(unscored);
  return {};
}

Result<void> fill_cost_and_work(const Store& store, const EvaluationRow& evaluation, EvidenceTask& task) {
  Result<std::optional<CostRow>> cost = read_cost(store, evaluation.id);
  if (!cost) return forward_error(cost);
  if (*cost) {
    task.cost_per_sample = (*cost)->per_request;
    task.currency = (*cost)->currency.value_or("");
  }
  Result<std::optional<MeasurementRow>> measured = store.find_measurement(evaluation.id);
  if (!measured) return forward_error(measured);
  if (!*measured) return {};
  const MeasurementRow& row = **measured;
  constexpr double kMilliseconds = 1000.0;
  const double seconds = row.pass_ms * row.pass_share / kMilliseconds;
  if (row.samples > 0 && seconds > 0.0) {
    task.work = EvidenceWork{row.samples, row.input_tokens + row.output_tokens, seconds};
  }
  return {};
}

Result<EvidenceTask> task_of(const Store& store, const EvaluationRow& evaluation) {
  EvidenceTask task;
  task.name = evaluation.task.name;
  task.definition_hash = evaluation.task.definition_hash;
  task.data_hash = evaluation.task.data_hash;
  task.protocol = evaluation.protocol;
  task.num_fewshot = evaluation.num_fewshot;
  task.chat_template = evaluation.chat_template;
  for (const MetricRow& metric : evaluation.task.metrics) task.metrics.push_back(metric.name);
  task.slice_fields = evaluation.task.slice_fields;
  task.evaluation_id = evaluation.id;
  if (auto filled = fill_samples(store, evaluation, task); !filled) return forward_error(filled);
  if (auto filled = fill_cost_and_work(store, evaluation, task); !filled) return forward_error(filled);
  Result<std::vector<ResultRow>> results = read_results(store, evaluation.id);
  if (!results) return forward_error(results);
  task.results = std::move(*results);
  return task;
}

// Those of a task that has no finished answers are left out.
Result<void> fill_times(const Store& store, const EvaluationRow& evaluation,
                        std::vector<EvidenceTask>& tasks) {
  const auto task =
      std::ranges::find_if(tasks, [&](const EvidenceTask& one) { return one.name == evaluation.task.name; });
  if (task == tasks.end()) return {};
  Result<std::vector<TimingRow>> timings = read_timings(store, evaluation.id);
  if (!timings) return forward_error(timings);
  if (timings->empty()) return {};
  EvidenceTimes& times = task->times[evaluation.scenario];
  for (const TimingRow& timing : *timings) {
    times.ttft_ms.push_back(timing.ttft_ms);
    times.total_ms.push_back(timing.total_ms);
  }
  return {};
}

}  // namespace

const EvidenceTask* Evidence::find(const std::string& task) const {
  const auto at =
      std::find_if(tasks.begin(), tasks.end(), [&](const EvidenceTask& known) { return known.name == task; });
  return at == tasks.end() ? nullptr : &*at;
}

std::string Evidence::label() const {
  return run + ":" + model;
}

Result<Side> find_side(const Store& store, const std::string& text) {
  Result<std::vector<RunRow>> runs = read_runs(store);
  if (!runs) return forward_error(runs);
  if (runs->empty()) {
    return bad_input(store.file().string(), "holds no run yet", "", "make one with `sizeup run`");
  }
  std::reverse(runs->begin(), runs->end());  // the newest first
  const auto named = [&](const std::string& name) -> const RunRow* {
    if (name == "latest") {
      const auto asked = std::find_if_not(runs->begin(), runs->end(), is_judging);
      return asked == runs->end() ? &runs->front() : &*asked;
    }
    const auto at =
        std::find_if(runs->begin(), runs->end(), [&](const RunRow& run) { return run.name == name; });
    return at == runs->end() ? nullptr : &*at;
  };
  // Both names may hold colons: every one is tried.
  for (size_t colon = text.find(':'); colon != std::string::npos; colon = text.find(':', colon + 1)) {
    const RunRow* run = named(text.substr(0, colon));
    if (run == nullptr) continue;
    Result<std::vector<std::string>> models = read_model_names(store, run->id);
    if (!models) return forward_error(models);
    if (has(*models, text.substr(colon + 1))) return Side{*run, text.substr(colon + 1)};
    return usage_error(
        fmt::format("no model of the run '{}' is named '{}'", run->name, text.substr(colon + 1)),
        "its models are: " + listed(*models));
  }
  std::vector<std::string> known;
  const RunRow* with_model = nullptr;
  for (const RunRow& run : *runs) {
    Result<std::vector<std::string>> models = read_model_names(store, run.id);
    if (!models) return forward_error(models);
    const bool better = with_model == nullptr || (is_judging(*with_model) && !is_judging(run));
    if (better && has(*models, text)) with_model = &run;
    for (const std::string& model : *models) {
      if (!has(known, model)) known.push_back(model);
    }
  }
  const RunRow* run = named(text);
  if (run != nullptr && with_model != nullptr) {
    return usage_error(fmt::format("'{}' names both a run and a model", text),
                       fmt::format("say RUN:MODEL, such as {}:{}", with_model->name, text));
  }
  if (with_model != nullptr) return Side{*with_model, text};
  if (run == nullptr) {
    std::vector<std::string> names;
    for (const RunRow& one : *runs) names.push_back(one.name);
    return usage_error(
        fmt::format("no run and no model of {} is named '{}'", store.file().string(), text),
        fmt::format("its models are: {}; its runs are: {}; or say RUN:MODEL", listed(known), listed(names)));
  }
  Result<std::vector<std::string>> models = read_model_names(store, run->id);
  if (!models) return forward_error(models);
  if (models->size() == 1) return Side{*run, models->front()};
  return usage_error(fmt::format("the run '{}' has {} models", run->name, models->size()),
                     fmt::format("say {}:MODEL; its models are: {}", text, listed(*models)));
}

Result<Evidence> load_evidence(const Store& store, const std::string& side) {
  Result<Side> found = find_side(store, side);
  if (!found) return forward_error(found);
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, found->run.id);
  if (!evaluations) return forward_error(evaluations);
  Evidence evidence;
  evidence.source = store.file().string();
  evidence.run = found->run.name;
  evidence.created = found->run.created_at;
  evidence.program = found->run.program;
  evidence.machine = found->run.machine;
  std::vector<const EvaluationRow*> timed;
  for (const EvaluationRow& evaluation : *evaluations) {
    if (evaluation.model.name != found->model) continue;
    fill_model(evaluation.model, evidence);
    if (evaluation.scenario != "offline") {
      timed.push_back(&evaluation);
      continue;
    }
    if (!evaluation.finished_at) {
      evidence.unfinished.push_back(evaluation.task.name);
      continue;
    }
    Result<EvidenceTask> task = task_of(store, evaluation);
    if (!task) return forward_error(task);
    evidence.tasks.push_back(std::move(*task));
  }
  for (const EvaluationRow* evaluation : timed) {
    if (auto filled = fill_times(store, *evaluation, evidence.tasks); !filled) return forward_error(filled);
  }
  if (evidence.tasks.empty()) {
    return bad_input(evidence.source,
                     fmt::format("the run '{}' has no finished task of '{}'", found->run.name, found->model),
                     "at least one", "finish it with `sizeup run --resume " + found->run.name + "`");
  }
  return evidence;
}

}  // namespace sizeup
