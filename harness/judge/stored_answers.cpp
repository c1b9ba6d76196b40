#include "harness/judge/stored_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "harness/decide/evidence.h"
#include "harness/run/scoring.h"
#include "harness/store/read.h"

namespace sizeup {
namespace {

// A side's finished evaluations of tasks with written answers.
struct WrittenTasks {
  Side side;
  std::vector<EvaluationRow> evaluations;
};

Result<WrittenTasks> written_tasks(const Store& store, const std::string& text) {
  Result<Side> side = find_side(store, text);
  if (!side) return forward_error(side);
  Result<std::vector<EvaluationRow>> all = read_evaluations(store, side->run.id);
  if (!all) return forward_error(all);
  WrittenTasks out{std::move(*side), {}};
  for (EvaluationRow& row : *all) {
    const bool written = row.task.output_type == name_of(OutputType::generate_until);
    if (row.model.name == out.side.model && row.scenario == "offline" && row.finished_at && written)
      out.evaluations.push_back(std::move(row));
  }
  if (out.evaluations.empty()) {
    return usage_error(
        fmt::format("'{}' has no written answers in the run '{}'", out.side.model, out.side.run.name),
        "judges read what a model wrote: run a task of output_type generate_until, and let it finish");
  }
  if (out.side.run.texts == "none") {
    return usage_error(
        fmt::format("the run '{}' stored no texts, so there is nothing to judge", out.side.run.name),
        "run it without --no-text");
  }
  return out;
}

const EvaluationRow* find(const WrittenTasks& tasks, const std::string& name) {
  const auto at = std::ranges::find_if(tasks.evaluations,
                                       [&](const EvaluationRow& row) { return row.task.name == name; });
  return at == tasks.evaluations.end() ? nullptr : &*at;
}

// The task that is named, or the only one there is.
Result<std::string> task_to_judge(const std::vector<WrittenTasks>& sides, const std::string& named) {
  std::vector<std::string> common;
  for (const EvaluationRow& row : sides.front().evaluations) {
    const bool in_all = std::ranges::all_of(
        sides, [&](const WrittenTasks& side) { return find(side, row.task.name) != nullptr; });
    if (in_all) common.push_back(row.task.name);
  }
  if (std::ranges::find(common, named) != common.end()) return named;
  if (named.empty() && common.size() == 1) return common.front();
  return usage_error(named.empty() ? fmt::format("{} tasks have written answers", common.size())
                                   : fmt::format("no written answers to the task '{}'", named),
                     fmt::format("name one with --task: {}", fmt::join(common, ", ")));
}

// Of several turns the judge would see the first answer alone.
Result<void> refuse_conversations(const Store& store, const EvaluationRow& evaluation, int64_t sample) {
  Result<std::vector<ResponseRow>> responses = read_responses(store, evaluation.id, sample);
  if (!responses) return forward_error(responses);
  const bool turns = std::ranges::any_of(
      *responses, [&](const ResponseRow& row) { return row.prompt != responses->front().prompt; });
  if (!turns) return {};
  return usage_error(fmt::format("'{}' is a conversation of several turns", evaluation.task.name),
                     "judges see one answer to one prompt");
}

struct SideAnswers {
  std::vector<SampleRow> samples;  // in the order of the data
  std::unordered_map<int64_t, std::string> texts;
};

Result<SideAnswers> answers_of(const Store& store, const WrittenTasks& side,
                               const EvaluationRow& evaluation) {
  Result<RunSettings> settings = parse_run_settings(side.side.run.settings, side.side.run.name, {});
  if (!settings) return forward_error(settings);
  Result<std::vector<SampleRow>> samples = read_samples(store, evaluation.id);
  if (!samples) return forward_error(samples);
  Result<std::vector<WrittenText>> texts = read_written_texts(store, evaluation.id);
  if (!texts) return forward_error(texts);
  if (!texts->empty()) {
    if (auto one = refuse_conversations(store, evaluation, texts->front().sample); !one)
      return forward_error(one);
  }
  SideAnswers out{std::move(*samples), {}};
  for (WrittenText& text : *texts) {
    ResponseRow response;
    response.text = std::move(text.text);
    out.texts[text.sample] = reply_of(response, settings->think_end).text;  // what was said, not thought
  }
  return out;
}

struct OtherAnswer {
  std::string document_hash;
  std::string text;
};

}  // namespace

Result<AnswersToJudge> read_answers_to_judge(const Store& store, const JudgingRequest& request) {
  std::vector<WrittenTasks> sides;
  for (const std::string& name : {request.candidate, request.baseline}) {
    if (name.empty()) continue;
    Result<WrittenTasks> side = written_tasks(store, name);
    if (!side) return forward_error(side);
    sides.push_back(std::move(*side));
  }
  Result<std::string> task = task_to_judge(sides, request.task);
  if (!task) return forward_error(task);
  AnswersToJudge out;
  out.task = *task;
  const EvaluationRow& first = *find(sides.front(), *task);
  out.candidate = {sides.front().side.run.name, sides.front().side.model, first.id};
  out.slice_fields = first.task.slice_fields;
  std::unordered_map<std::string, OtherAnswer> others;  // by document
  if (sides.size() > 1) {
    const EvaluationRow& second = *find(sides[1], *task);
    out.baseline = {sides[1].side.run.name, sides[1].side.model, second.id};
    Result<SideAnswers> read = answers_of(store, sides[1], second);
    if (!read) return forward_error(read);
    for (SampleRow& sample : read->samples) {
      const auto text = read->texts.find(sample.id);
      if (text != read->texts.end()) others[sample.document_id] = {sample.document_hash, text->second};
    }
  }
  Result<SideAnswers> read = answers_of(store, sides.front(), first);
  if (!read) return forward_error(read);
  for (SampleRow& sample : read->samples) {
    if (request.limit > 0 && static_cast<int64_t>(out.answers.size()) == request.limit) break;
    const auto text = read->texts.find(sample.id);
    const auto other = others.find(sample.document_id);
    const bool paired =
        sides.size() == 1 || (other != others.end() && other->second.document_hash == sample.document_hash);
    if (text == read->texts.end() || !paired) {
      ++out.left_out;
      continue;
    }
    JudgedTexts texts{std::move(sample.prompt), std::move(sample.target), std::move(sample.source),
                      text->second, sides.size() == 1 ? std::string() : other->second.text};
    out.answers.push_back({std::move(sample.document_id), std::move(sample.document_hash), sample.row,
                           std::move(texts), std::move(sample.slices)});
  }
  if (out.answers.empty())
    return usage_error(fmt::format("no document of '{}' has the answers to judge", out.task));
  return out;
}

}  // namespace sizeup
