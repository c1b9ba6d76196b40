#include "harness/judge/judging.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/decide/evidence.h"
#include "harness/judge/judge_task.h"
#include "harness/judge/judgeable.h"
#include "harness/judge/stored_answers.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

Result<void> check(const JudgeTerms& terms) {
  if (terms.repeats > 1 && terms.temperature == 0.0) {
    return usage_error("at temperature 0 a judge says the same each time, so repeats show nothing",
                       "give --temperature, such as 0.7, or leave out --repeats");
  }
  if (terms.repeats > 1 && terms.question.form == VerdictForm::likelihood)
    return usage_error("a likelihood is the same each time, so repeats show nothing", "leave out --repeats");
  if (terms.question.form == VerdictForm::scale && terms.question.lowest >= terms.question.highest)
    return usage_error("the scale's worst verdict must be below its best", "--scale 1,5");
  return {};
}

// Drops what a verdict of this form can't be given of.
Result<void> keep_judgeable(VerdictForm form, AnswersToJudge& answers) {
  answers.left_out += keep_judgeable(form, answers.answers);
  if (!answers.answers.empty()) return {};
  return usage_error(
      fmt::format("no answer to '{}' can get a verdict of the form '{}'", answers.task, name_of(form)),
      form == VerdictForm::closed_book
          ? "closed book is for questions with an expected answer and without a source"
          : "it is for answers that rest on a source (task key 'grounding'), claims also for none that "
            "declines");
}

// The judges' tasks: one, or one for each order of the pairs.
std::vector<JudgeTaskSpec> tasks_of(const JudgeTerms& terms, const AnswersToJudge& answers) {
  JudgeTaskSpec spec;
  spec.question = terms.question;
  spec.repeats = terms.repeats;
  spec.ask.max_tokens = terms.max_tokens;
  spec.ask.temperature = terms.temperature;
  spec.slice_fields = answers.slice_fields;
  spec.answers = answers.answers;
  const std::string first = answers.candidate.label();
  spec.name = fmt::format("{}{}:{}", kJudgedTask, answers.task, answers.candidate.model);
  if (answers.baseline.model.empty()) {
    spec.description = fmt::format("{}'s answers to {}, judged", first, answers.task);
    return {std::move(spec)};
  }
  const std::string second = answers.baseline.label();
  spec.name += ":" + answers.baseline.model;
  spec.description = fmt::format("{} against {} on {}, {} shown first", first, second, answers.task, first);
  JudgeTaskSpec swapped = spec;
  swapped.swapped = true;
  swapped.name += ":swapped";
  swapped.description =
      fmt::format("{} against {} on {}, {} shown first", first, second, answers.task, second);
  return {std::move(spec), std::move(swapped)};
}

// A judge named as a model that is judged, or has run, would be taken for it by `sizeup compare MODEL`.
Result<std::vector<std::string>> judge_references(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const std::string& text : given) {
    auto reference = ModelReference::parse(text);
    if (!reference) return forward_error(reference);
    const bool named = text.starts_with(reference->name + "=");
    out.push_back(named ? text : "judge-" + reference->name + "=" + text);
  }
  return out;
}

// Whether the judge's endpoint holds its replies to JSON. All judges of a run are asked alike.
bool replies_in_json(const std::string& text) {
  const auto reference = ModelReference::parse(text);
  if (!reference) return false;
  const auto format = reference->options.find("response_format");
  return format != reference->options.end() && format->second != "none";
}

RunEnvironment with_tasks(RunEnvironment environment, const std::vector<JudgeTaskSpec>& specs) {
  environment.select_tasks = [](const std::vector<std::string>& names) -> Result<TaskSelection> {
    TaskSelection selection;
    for (const std::string& name : names) selection.tasks.push_back({name, std::nullopt});
    return selection;
  };
  environment.open_task = [specs](const std::string& name,
                                  const TaskOptions&) -> Result<std::unique_ptr<Task>> {
    for (const JudgeTaskSpec& spec : specs) {
      if (spec.name == name) return make_judge_task(spec);
    }
    return usage_error(fmt::format("'{}' is no task of this judging", name));
  };
  return environment;
}

// Whether a stored run asks just this.
Result<bool> is_same(const Store& store, const RunRow& run, const std::vector<JudgeTaskSpec>& specs,
                     const RunSettings& asked) {
  Result<RunSettings> settings = parse_run_settings(run.settings, run.name, {});
  if (!settings || settings->models != asked.models || settings->seed != asked.seed ||
      settings->think_end != asked.think_end)
    return false;
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, run.id);
  if (!evaluations) return forward_error(evaluations);
  if (evaluations->size() != specs.size() * asked.models.size()) return false;
  for (const JudgeTaskSpec& spec : specs) {
    const std::unique_ptr<Task> task = make_judge_task(spec);
    const auto same = std::ranges::count_if(*evaluations, [&](const EvaluationRow& row) {
      return row.task.name == spec.name && row.task.definition_hash == task->definition_hash() &&
             row.task.data_hash == task->data_hash();
    });
    if (static_cast<size_t>(same) != asked.models.size()) return false;
  }
  return true;
}

// The name of an unfinished run of the same judging.
Result<std::optional<std::string>> interrupted_run(const Store& store,
                                                   const std::vector<JudgeTaskSpec>& specs,
                                                   const RunSettings& asked) {
  Result<std::vector<RunRow>> runs = read_runs(store);
  if (!runs) return forward_error(runs);
  std::ranges::reverse(*runs);
  for (const RunRow& run : *runs) {
    if (run.finished_at) continue;
    Result<bool> same = is_same(store, run, specs, asked);
    if (!same) return forward_error(same);
    if (*same) return std::optional(run.name);
  }
  return std::optional<std::string>();
}

}  // namespace

JudgeTerms terms_of(const JudgeRule& asked, const JudgeRule& task, bool pairs) {
  const auto said = [](const auto& first, const auto& second, const auto& otherwise) {
    return first ? *first : second.value_or(otherwise);
  };
  JudgeTerms out;
  JudgeQuestion& question = out.question;
  question.rubric = said(asked.rubric, task.rubric, question.rubric);
  question.with_reference = said(asked.reference, task.reference, question.with_reference);
  const std::array<int, 2> scale =
      said(asked.scale, task.scale, std::array<int, 2>{question.lowest, question.highest});
  question.lowest = scale[0];
  question.highest = scale[1];
  const VerdictForm alone =
      asked.scale ? VerdictForm::scale : said(asked.verdict, task.verdict, VerdictForm::scale);
  question.form = pairs ? VerdictForm::pair : alone;
  if (question.form == VerdictForm::closed_book) question.with_reference = true;
  out.repeats = said(asked.repeats, task.repeats, out.repeats);
  out.max_tokens = said(asked.max_tokens, task.max_tokens, out.max_tokens);
  out.temperature = said(asked.temperature, task.temperature, out.temperature);
  return out;
}

Result<JudgingDone> run_judging(const JudgingRequest& request, const RunEnvironment& environment,
                                ProgressSink& progress, const std::stop_token& stop) {
  JudgingRequest asked = request;
  RunSettings& settings = asked.run;
  Result<std::vector<std::string>> models = judge_references(settings.models);
  if (!models) return forward_error(models);
  settings.models = std::move(*models);
  settings.latency_samples = 0;
  settings.data.reset();
  settings.tasks.clear();

  Result<Store> store = Store::open(settings.db, StoreAccess::read);
  if (!store) return forward_error(store);
  Result<AnswersToJudge> answers = read_answers_to_judge(*store, asked);
  if (!answers) return forward_error(answers);
  JudgeTerms terms = terms_of(asked.rule, answers->rule, !asked.baseline.empty());
  if (Result<void> checked = check(terms); !checked) return forward_error(checked);
  if (Result<void> kept = keep_judgeable(terms.question.form, *answers); !kept) return forward_error(kept);
  terms.question.as_json = std::ranges::all_of(settings.models, replies_in_json);
  const std::vector<JudgeTaskSpec> specs = tasks_of(terms, *answers);
  for (const JudgeTaskSpec& spec : specs) settings.tasks.push_back(spec.name);
  Judging about;
  about.candidate = answers->candidate.label();
  if (!answers->baseline.model.empty()) about.baseline = answers->baseline.label();
  about.task = answers->task;
  about.question = terms.question;
  about.repeats = terms.repeats;
  about.left_out = answers->left_out;
  settings.judging = judging_settings(about);
  Result<std::optional<std::string>> interrupted = interrupted_run(*store, specs, settings);
  if (!interrupted) return forward_error(interrupted);
  settings.resume = std::move(*interrupted);
  Result<RunSummary> summary = execute(settings, progress, stop, with_tasks(environment, specs));
  if (!summary) return forward_error(summary);
  Result<RunRow> run = find_run(*store, summary->run_name);
  if (!run) return forward_error(run);
  Result<Judging> judging = with_verdicts(*store, *run, std::move(about));
  if (!judging) return forward_error(judging);
  return JudgingDone{std::move(*judging), summary->requests_sent};
}

}  // namespace sizeup
