#include "harness/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/answers/recorded_answers.h"
#include "harness/run/execution.h"
#include "harness/run/groups.h"
#include "harness/run/machine.h"
#include "harness/run/plan_run.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

struct Opened {
  RunSettings settings;
  std::optional<RunRow> resumed;
};

// Patterns are not stored, so a run that is resumed needs them again.
Result<void> check_patterns(const RunSettings& given, RunSettings& stored, const std::string& run) {
  if (hash_of_patterns(given.redact) != stored.redact_sha256) {
    return usage_error(
        fmt::format("run '{}' was started {}", run,
                    stored.redact_sha256.empty() ? "without --redact" : "with other patterns to redact"),
        "give --redact as then: the patterns themselves are not stored");
  }
  stored.redact = given.redact;
  return {};
}

// The settings of the run to resume: its own, from the store it lies in.
Result<Opened> resumed_settings(const RunSettings& settings, Store& store) {
  RunRow run;
  if (settings.resume->empty()) {
    Result<std::optional<RunRow>> found = find_unfinished_run(store);
    if (!found) return forward_error(found);
    if (!*found) return usage_error("there is no unfinished run to resume", "start one without --resume");
    run = std::move(**found);
  } else {
    Result<RunRow> found = find_run(store, *settings.resume);
    if (!found) return forward_error(found);
    run = std::move(*found);
  }
  if (run.finished_at) {
    return usage_error(fmt::format("run '{}' is finished", run.name),
                       "start a new one: what is unchanged costs nothing");
  }
  const std::string place = fmt::format("{} (settings of run '{}')", settings.db.string(), run.name);
  Result<RunSettings> stored = parse_run_settings(run.settings, place, {});
  if (!stored) return forward_error(stored);
  // Who judges names its tasks, which are of no file.
  if (is_judging(run) && settings.tasks != stored->tasks)
    return usage_error(fmt::format("run '{}' is a judging", run.name),
                       "give the same `sizeup judge` command again: it goes on where it was interrupted");
  stored->db = settings.db;
  if (auto same = check_patterns(settings, *stored, run.name); !same) return forward_error(same);
  return Opened{std::move(*stored), std::move(run)};
}

Result<TextRule> text_rule(const RunSettings& settings) {
  if (settings.no_text) return TextRule::none();
  if (settings.redact.empty()) return TextRule();
  return TextRule::redact(settings.redact);
}

void tell_bad_rows(const LoadedTask& task, ProgressSink& progress) {
  const BadRows& bad = *task.bad_rows;
  if (bad.count() == 0) return;
  progress.on_message(fmt::format("{}: {} bad rows of its data are left out", task.row.name, bad.count()));
  for (const Error& error : bad.shown()) {
    progress.on_message(fmt::format("  {}: {}", error.place, error.message));
  }
  const auto shown = static_cast<int64_t>(bad.shown().size());
  if (bad.count() > shown) progress.on_message(fmt::format("  and {} more", bad.count() - shown));
}

Result<RunSummary> summarize(const RunPlan& plan, const Store& store) {
  RunSummary summary;
  summary.run_id = plan.run.id;
  summary.run_name = plan.run.name;
  summary.protocol = plan.run.protocol;
  summary.chat_template = plan.asking.chat_template;
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, plan.run.id);
  if (!evaluations) return forward_error(evaluations);
  for (EvaluationRow& evaluation : *evaluations) {
    if (evaluation.scenario != "offline") continue;
    Result<std::vector<ResultRow>> results = read_results(store, evaluation.id);
    if (!results) return forward_error(results);
    Result<AnswerCounts> answers = count_answers(store, evaluation.id);
    if (!answers) return forward_error(answers);
    EvaluationSummary row;
    row.evaluation_id = evaluation.id;
    row.model = evaluation.model.name;
    row.task = evaluation.task.name;
    row.samples = evaluation.samples;
    row.failed = answers->failed;
    row.headline.metric = evaluation.task.metrics.empty() ? "" : evaluation.task.metrics.front().name;
    row.headline.value = std::nan("");
    for (const ResultRow& result : *results) {
      if (!result.slice_field.empty()) continue;
      if (result.metric == row.headline.metric) row.headline = result;
      row.results.push_back(result);
    }
    summary.samples_failed += answers->failed;
    summary.evaluations.push_back(std::move(row));
  }
  Result<std::vector<GroupRow>> groups = read_groups(store, plan.run.id);
  if (!groups) return forward_error(groups);
  summary.groups = std::move(*groups);
  return summary;
}

}  // namespace

RunEnvironment RunEnvironment::standard(const std::filesystem::path& definitions) {
  RunEnvironment environment;
  environment.program = "sizeup " SIZEUP_VERSION;
  environment.machine = describe_machine();
  environment.open_model = [](const ModelReference& reference) { return sizeup::open_model(reference); };
  environment.select_tasks = [definitions](const std::vector<std::string>& names) {
    return sizeup::select_tasks(names, definitions);
  };
  environment.open_task = [](const std::string& file, const TaskOptions& options) {
    return load_task(file, options);
  };
  environment.guess_task = [](const OwnData& data, int64_t max_bad_rows) {
    return sizeup::guess_task(data, max_bad_rows);
  };
  return environment;
}

Result<RunSummary> execute(const RunSettings& settings, ProgressSink& progress, std::stop_token stop,
                           const RunEnvironment& environment) {
  StoreAccess access = settings.durable ? StoreAccess::write_durable : StoreAccess::write;
  std::error_code ignored;
  if (settings.resume && !std::filesystem::exists(settings.db, ignored)) {
    return bad_input(settings.db.string(), "file not found", "the store of the run to resume",
                     "name it with --db");
  }
  Result<Store> store = Store::open(settings.db, access);
  if (!store) return forward_error(store);
  Opened opened{settings, {}};
  if (settings.resume) {
    Result<Opened> resumed = resumed_settings(settings, *store);
    if (!resumed) return forward_error(resumed);
    opened = std::move(*resumed);
  }
  Result<TextRule> texts = text_rule(opened.settings);
  if (!texts) return forward_error(texts);
  store->set_text_rule(std::move(*texts));
  Result<RunPlan> plan = plan_run(opened.settings, environment, opened.resumed);
  if (!plan) return forward_error(plan);
  Result<void> placed = place_in_store(*plan, *store, opened.resumed.has_value());
  if (!placed) return forward_error(placed);

  if (opened.settings.no_text) {
    progress.on_message(
        "texts are left out of the store: reports will show none, failures cannot be exported, and written "
        "answers "
        "cannot be scored again without asking again");
  }
  for (const LoadedTask& task : plan->tasks) tell_bad_rows(task, progress);
  Execution execution(*plan, *store, progress, std::move(stop), environment);
  Result<ExecutionCounts> counts = execution.run();
  if (!counts) return forward_error(counts);
  if (Result<void> grouped = finish_groups(*plan, *store); !grouped) return forward_error(grouped);
  if (Result<void> finished = store->finish_run(plan->run.id, stored_now()); !finished)
    return forward_error(finished);
  Result<RunSummary> summary = summarize(*plan, *store);
  if (!summary) return summary;
  summary->requests_sent = counts->sent;
  summary->requests_from_store = counts->from_store;
  summary->requests_measured = counts->measured;
  return summary;
}

}  // namespace sizeup
