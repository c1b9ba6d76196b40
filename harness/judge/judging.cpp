#include "harness/judge/judging.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/decide/evidence.h"
#include "harness/decide/pairs.h"
#include "harness/judge/judge_task.h"
#include "harness/judge/stored_answers.h"
#include "harness/store/labels.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

Result<void> check(const JudgingRequest& request) {
  if (request.repeats > 1 && request.temperature == 0.0) {
    return usage_error("at temperature 0 a judge says the same each time, so repeats show nothing",
                       "give --temperature, such as 0.7, or leave out --repeats");
  }
  if (request.question.form == VerdictForm::scale && request.question.lowest >= request.question.highest)
    return usage_error("the scale's worst verdict must be below its best", "--scale 1,5");
  return {};
}

// The judges' tasks: one, or one for each order of the pairs.
std::vector<JudgeTaskSpec> tasks_of(const JudgingRequest& request, const AnswersToJudge& answers) {
  JudgeTaskSpec spec;
  spec.question = request.question;
  spec.repeats = request.repeats;
  spec.ask.max_tokens = request.max_tokens;
  spec.ask.temperature = request.temperature;
  spec.slice_fields = answers.slice_fields;
  spec.answers = answers.answers;
  const std::string first = answers.candidate.label();
  spec.name = fmt::format("judged:{}:{}", answers.task, answers.candidate.model);
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

class VerdictReader {
 public:
  VerdictReader(const Store& store, const AnswersToJudge& answers, Judging& out) : store_(store), out_(out) {
    DocumentNumbers numbers;
    for (const JudgedAnswer& answer : answers.answers) {
      places_.emplace(answer.document_id, out_.documents.size());
      out_.documents.push_back({answer.document_id, numbers.number_of(answer.document_hash), {}});
    }
  }

  Result<void> read(const EvaluationRow& evaluation, bool swapped) {
    const size_t judge = judge_of(evaluation.model.name);
    JudgeWork& work = out_.judges[judge];
    Result<std::vector<SampleRow>> samples = read_samples(store_, evaluation.id, Texts::leave_out);
    if (!samples) return forward_error(samples);
    std::map<int64_t, size_t> document_of;
    for (const SampleRow& sample : *samples) document_of[sample.id] = places_.at(sample.document_id);
    Result<std::vector<AnswerRow>> answers = read_answers(store_, evaluation.id, Texts::leave_out);
    if (!answers) return forward_error(answers);
    for (const AnswerRow& answer : *answers) {
      JudgedCell cell{judge, swapped, {}, 0};
      for (const std::optional<double>& verdict : verdicts_of(answer.details)) {
        if (verdict) cell.scores.push_back(*verdict);
        cell.unparsed += verdict ? 0 : 1;
      }
      work.verdicts += static_cast<int64_t>(cell.scores.size());
      work.unparsed += cell.unparsed;
      work.failed += answer.error ? 1 : 0;
      out_.documents[document_of.at(answer.sample_id)].cells.push_back(std::move(cell));
    }
    return read_use(evaluation.id, work);
  }

 private:
  size_t judge_of(const std::string& name) {
    const auto at = std::ranges::find(out_.judges, name, &JudgeWork::name);
    if (at != out_.judges.end()) return static_cast<size_t>(at - out_.judges.begin());
    out_.judges.emplace_back().name = name;
    return out_.judges.size() - 1;
  }

  Result<void> read_use(int64_t evaluation, JudgeWork& work) {
    Result<std::vector<SampleTokens>> tokens = read_sample_tokens(store_, evaluation);
    if (!tokens) return forward_error(tokens);
    for (const SampleTokens& one : *tokens) {
      work.input_tokens += one.input;
      work.output_tokens += one.output;
    }
    Result<std::optional<CostRow>> cost = read_cost(store_, evaluation);
    if (!cost) return forward_error(cost);
    if (!*cost) return {};
    const std::optional<double> before = work.cost.total;
    work.cost = **cost;
    if (work.cost.total && before) *work.cost.total += *before;
    return {};
  }

  const Store& store_;
  Judging& out_;
  std::map<std::string, size_t> places_;
};

// By document and annotator.
using HumanScores = std::map<std::pair<std::string, std::string>, double>;

Result<HumanScores> human_scores(const Store& store, int64_t evaluation) {
  Result<std::vector<HumanScore>> scores = read_human_scores(store, evaluation);
  if (!scores) return forward_error(scores);
  HumanScores out;
  for (const HumanScore& one : *scores) out[{one.document_id, one.annotator}] = one.score;
  return out;
}

// Of pairs, of annotators who scored both answers.
Result<void> read_human(const Store& store, const AnswersToJudge& answers, Judging& out) {
  Result<HumanScores> candidate = human_scores(store, answers.candidate.evaluation);
  if (!candidate) return forward_error(candidate);
  HumanScores baseline;
  if (!out.baseline.empty()) {
    Result<HumanScores> read = human_scores(store, answers.baseline.evaluation);
    if (!read) return forward_error(read);
    baseline = std::move(*read);
  }
  std::map<std::string, std::vector<double>> by_document;
  for (const auto& [of, score] : *candidate) {
    if (out.baseline.empty()) {
      by_document[of.first].push_back(score);
    } else if (const auto other = baseline.find(of); other != baseline.end()) {
      by_document[of.first].push_back(score > other->second ? 1.0 : score < other->second ? 0.0 : 0.5);
    }
  }
  for (size_t d = 0; d < out.documents.size(); ++d) {
    const auto found = by_document.find(out.documents[d].id);
    if (found != by_document.end()) out.human.push_back({d, std::move(found->second)});
  }
  return {};
}

Result<Judging> read_back(const Store& store, const AnswersToJudge& answers, const JudgingRequest& request,
                          const std::vector<JudgeTaskSpec>& specs, const RunSummary& summary) {
  Judging out;
  out.run = summary.run_name;
  out.candidate = answers.candidate.label();
  if (!answers.baseline.model.empty()) out.baseline = answers.baseline.label();
  out.task = answers.task;
  out.question = request.question;
  out.repeats = request.repeats;
  out.left_out = answers.left_out;
  out.requests_sent = summary.requests_sent;
  Result<std::vector<EvaluationRow>> evaluations = read_evaluations(store, summary.run_id);
  if (!evaluations) return forward_error(evaluations);
  VerdictReader reader(store, answers, out);
  for (const EvaluationRow& evaluation : *evaluations) {
    const auto spec = std::ranges::find(specs, evaluation.task.name, &JudgeTaskSpec::name);
    require(spec != specs.end(), "a judging's run has the judging's tasks");
    Result<void> read = reader.read(evaluation, spec->swapped);
    if (!read) return forward_error(read);
  }
  if (Result<void> read = read_human(store, answers, out); !read) return forward_error(read);
  return out;
}

}  // namespace

Result<Judging> run_judging(const JudgingRequest& request, const RunEnvironment& environment,
                            ProgressSink& progress, const std::stop_token& stop) {
  if (Result<void> checked = check(request); !checked) return forward_error(checked);
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
  const std::vector<JudgeTaskSpec> specs = tasks_of(asked, *answers);
  for (const JudgeTaskSpec& spec : specs) settings.tasks.push_back(spec.name);
  Result<std::optional<std::string>> interrupted = interrupted_run(*store, specs, settings);
  if (!interrupted) return forward_error(interrupted);
  settings.resume = std::move(*interrupted);
  Result<RunSummary> summary = execute(settings, progress, stop, with_tasks(environment, specs));
  if (!summary) return forward_error(summary);
  return read_back(*store, *answers, asked, specs, *summary);
}

}  // namespace sizeup
