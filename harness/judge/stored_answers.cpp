#include "harness/judge/stored_answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

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

// What a model said to a sample: several answers in a conversation.
using Said = std::vector<std::string>;

struct SideAnswers {
  std::vector<SampleRow> samples;  // in the order of the data
  std::unordered_map<int64_t, Said> said;
};

// Whether its turns follow each other: each prompt holds what was said before.
bool is_conversation(const std::vector<ResponseRow>& responses) {
  return std::ranges::any_of(responses,
                             [&](const ResponseRow& row) { return row.prompt != responses.front().prompt; });
}

// A conversation of which a turn failed has not ended.
Result<std::unordered_set<int64_t>> failed_samples(const Store& store, int64_t evaluation) {
  Result<std::vector<AnswerRow>> answers = read_answers(store, evaluation, Texts::leave_out);
  if (!answers) return forward_error(answers);
  std::unordered_set<int64_t> out;
  for (const AnswerRow& answer : *answers) {
    if (answer.error) out.insert(answer.sample_id);
  }
  return out;
}

class SaidReader {
 public:
  SaidReader(const Store& store, int64_t evaluation, std::string think_end)
      : store_(store), evaluation_(evaluation), think_end_(std::move(think_end)) {}

  Result<std::unordered_map<int64_t, Said>> read() const {
    Result<std::vector<WrittenText>> texts = read_written_texts(store_, evaluation_);
    if (!texts) return forward_error(texts);
    Result<std::unordered_set<int64_t>> failed = failed_samples(store_, evaluation_);
    if (!failed) return forward_error(failed);
    const auto first =
        std::ranges::find_if(*texts, [&](const WrittenText& text) { return !failed->contains(text.sample); });
    std::unordered_map<int64_t, Said> out;
    if (first == texts->end()) return out;
    Result<std::vector<ResponseRow>> responses = read_responses(store_, evaluation_, first->sample);
    if (!responses) return forward_error(responses);
    const bool conversation = is_conversation(*responses);
    for (WrittenText& text : *texts) {
      if (!conversation) {
        out[text.sample] = {said(std::move(text.text))};
        continue;
      }
      if (failed->contains(text.sample)) continue;
      responses = read_responses(store_, evaluation_, text.sample);
      if (!responses) return forward_error(responses);
      for (ResponseRow& one : *responses) out[text.sample].push_back(said(one.text.value_or("")));
    }
    return out;
  }

 private:
  // What was said, not thought.
  std::string said(std::string text) const {
    ResponseRow response;
    response.text = std::move(text);
    return reply_of(response, think_end_).text;
  }

  const Store& store_;
  int64_t evaluation_;
  std::string think_end_;
};

Result<SideAnswers> answers_of(const Store& store, const RunSettings& settings,
                               const EvaluationRow& evaluation) {
  Result<std::vector<SampleRow>> samples = read_samples(store, evaluation.id);
  if (!samples) return forward_error(samples);
  auto said = SaidReader(store, evaluation.id, settings.think_end).read();
  if (!said) return forward_error(said);
  return SideAnswers{std::move(*samples), std::move(*said)};
}

Result<RunSettings> settings_of(const WrittenTasks& side) {
  return parse_run_settings(side.side.run.settings, side.side.run.name, {});
}

// What the task's file said of judging when the run was made.
Result<JudgeRule> rule_of(const RunSettings& settings, const std::string& run, const std::string& task) {
  const auto found = settings.judges.find(task);
  if (found == settings.judges.end()) return JudgeRule();
  Result<YamlNode> node = parse_yaml(found->second, fmt::format("run '{}', key judge of {}", run, task));
  if (!node) return forward_error(node);
  return read_judge_rule(*node);
}

void take(Said& said, std::string& last, std::vector<std::string>& before) {
  last = std::move(said.back());
  said.pop_back();
  before = std::move(said);
}

struct OtherAnswer {
  std::string document_hash;
  Said said;
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
    Result<RunSettings> settings = settings_of(sides[1]);
    if (!settings) return forward_error(settings);
    Result<SideAnswers> read = answers_of(store, *settings, second);
    if (!read) return forward_error(read);
    for (SampleRow& sample : read->samples) {
      const auto said = read->said.find(sample.id);
      if (said != read->said.end())
        others[sample.document_id] = {sample.document_hash, std::move(said->second)};
    }
  }
  Result<RunSettings> settings = settings_of(sides.front());
  if (!settings) return forward_error(settings);
  Result<JudgeRule> rule = rule_of(*settings, out.candidate.run, *task);
  if (!rule) return forward_error(rule);
  out.rule = std::move(*rule);
  Result<SideAnswers> read = answers_of(store, *settings, first);
  if (!read) return forward_error(read);
  for (SampleRow& sample : read->samples) {
    if (request.limit > 0 && static_cast<int64_t>(out.answers.size()) == request.limit) break;
    const auto said = read->said.find(sample.id);
    const auto other = others.find(sample.document_id);
    const bool paired =
        sides.size() == 1 || (other != others.end() && other->second.document_hash == sample.document_hash);
    if (said == read->said.end() || !paired) {
      ++out.left_out;
      continue;
    }
    JudgedTexts texts;
    texts.prompt = std::move(sample.prompt);
    texts.expected = std::move(sample.target);
    texts.source = std::move(sample.source);
    take(said->second, texts.answer, texts.before);
    if (sides.size() > 1) take(other->second.said, texts.second, texts.second_before);
    out.answers.push_back({std::move(sample.document_id), std::move(sample.document_hash), sample.row,
                           std::move(texts), std::move(sample.slices)});
  }
  if (out.answers.empty())
    return usage_error(fmt::format("no document of '{}' has the answers to judge", out.task));
  return out;
}

}  // namespace sizeup
