#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tasks/own_data/fields.h"
#include "tasks/own_data/forms.h"
#include "tasks/own_data/own_data.h"
#include "tasks/own_data/write_task.h"

namespace sizeup {
namespace {

constexpr size_t kMostLabels = 200;        // a classification with more is asked otherwise
constexpr size_t kMostLabelBytes = 80;     // longer values are texts
constexpr size_t kShortAnswerBytes = 200;  // on average; longer ones are texts

// Whether lists of texts are sets of labels: by the field's name, or because the rows share them.
bool are_label_sets(const Facts& facts, const std::vector<std::string>& labels) {
  const std::string name = folded_name(facts.target.name);
  if (name.starts_with("answer")) return false;
  for (const char* known : {"labels", "tags", "categories", "topics", "classes"}) {
    if (name == known) return true;
  }
  return labels.size() <= kMostLabels && 2 * labels.size() <= facts.fields.rows();
}

// Few short values, each of which several rows share. A field that is called a label may have more of them,
// so that a small file is a classification too.
bool are_labels(const Facts& facts, const std::vector<std::string>& values) {
  if (values.size() < 2 || values.size() > kMostLabels || facts.target.values.most_bytes() > kMostLabelBytes)
    return false;
  const std::string name = folded_name(facts.target.name);
  for (const char* known :
       {"label", "labeltext", "labelname", "category", "class", "intent", "sentiment", "queue", "topic"}) {
    if (name == known) return true;
  }
  constexpr size_t kRowsOfALabel = 3;
  return kRowsOfALabel * values.size() <= facts.fields.rows();
}

DataKind kind_of(const Facts& facts, const OwnData& data, std::vector<std::string>& labels,
                 std::string& reason) {
  const Values& values = facts.target.values;
  labels = values.distinct();
  std::sort(labels.begin(), labels.end());
  const auto because = [&](DataKind kind, std::string text) {
    reason = std::move(text);
    return kind;
  };
  if (facts.choices) return because(DataKind::multiple_choice, "each row has its choices");
  if (data.choices.size() > 1) {
    const bool several = values.all(is_list);
    labels = data.choices;
    return because(several ? DataKind::multi_label : DataKind::classification, "the labels are given");
  }
  if (!data.schema.empty()) return because(DataKind::extraction, "a schema is given");
  if (values.all(is_record)) return because(DataKind::extraction, "every expected answer is a JSON object");
  if (values.all(is_text_list) && are_label_sets(facts, labels)) {
    return because(DataKind::multi_label,
                   fmt::format("every expected answer is a list, of {} different labels", labels.size()));
  }
  if (values.all(is_scalar) && are_labels(facts, labels)) {
    return because(DataKind::classification,
                   fmt::format("the expected answers are {} different values in {} rows", labels.size(),
                               facts.fields.rows()));
  }
  if (!facts.input.passage.empty())
    return because(DataKind::passage_question, "questions with a text that holds the answer");
  if (facts.input.is_question && values.mean_bytes() <= kShortAnswerBytes)
    return because(DataKind::question, "questions with short answers");
  return because(DataKind::generation, "texts with an expected text");
}

// A field's name may hold anything; a comment is one line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

}  // namespace

const char* name_of(DataKind kind) {
  switch (kind) {
    case DataKind::multiple_choice:
      return "multiple choice";
    case DataKind::classification:
      return "classification";
    case DataKind::multi_label:
      return "multi-label";
    case DataKind::extraction:
      return "extraction";
    case DataKind::passage_question:
      return "question with passage";
    case DataKind::question:
      return "question without passage";
    case DataKind::generation:
      return "generation";
    case DataKind::code:
      return "code";
  }
  throw InternalError("unknown DataKind");
}

Result<TaskGuess> guess_task(const OwnData& data, int64_t max_bad_rows) {
  Result<Documents> documents = load_file(data.file, max_bad_rows);
  if (!documents) return forward_error(documents);
  Facts facts{Fields(std::move(*documents))};
  TaskGuess guess;
  guess.rows = facts.fields.rows();
  std::string reason;
  const bool code = data.target.empty() && (is_humaneval(facts.fields) || is_mbpp(facts.fields));
  if (code) {
    guess.kind = DataKind::code;
    reason = is_mbpp(facts.fields) ? "each row has a 'test_list'"
                                   : "each row has 'prompt', 'test' and 'entry_point'";
  } else {
    facts.conversation = find_conversation(facts.fields);
    Result<TargetForm> target = find_target(facts.fields, data, facts.conversation);
    if (!target) return forward_error(target);
    facts.target = std::move(*target);
    Result<std::optional<ChoiceForm>> choices = find_choices(facts.fields, data);
    if (!choices) return forward_error(choices);
    facts.choices = std::move(*choices);
    Result<InputForm> input = find_input(facts.fields, data, facts.conversation, facts.target,
                                         facts.choices ? facts.choices->fields : std::vector<std::string>());
    if (!input) return forward_error(input);
    facts.input = std::move(*input);
    guess.kind = kind_of(facts, data, facts.labels, reason);
  }
  guess.reasons = {fmt::format("{}: {}", name_of(guess.kind), reason)};
  for (const std::string& more :
       {facts.input.reason, facts.target.reason, facts.choices ? facts.choices->reason : ""}) {
    if (!more.empty()) guess.reasons.push_back(more);
  }
  std::string heading = fmt::format("# A task for {}, guessed from its fields ({} rows).\n",
                                    one_line(data.file.filename().string()), guess.rows);
  for (const std::string& line : guess.reasons) heading += fmt::format("#   {}\n", one_line(line));
  heading +=
      "# Change what does not fit; `sizeup tasks check` shows what a change does. Keys: docs/add-a-task.md\n";
  Result<std::string> yaml = write_task(data, facts, guess.kind, heading);
  if (!yaml) return forward_error(yaml);
  guess.yaml = std::move(*yaml);
  return guess;
}

Result<SelectedTask> task_of(const TaskGuess& guess, const std::filesystem::path& file) {
  Result<YamlNode> keys = parse_yaml(guess.yaml, fmt::format("{} (guessed task)", file.string()));
  if (!keys) return forward_error(keys);
  return SelectedTask{file.string(), TaskOverrides{std::move(*keys), file}};
}

}  // namespace sizeup
