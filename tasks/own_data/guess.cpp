#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/hub/names.h"
#include "datasets/readers/folder.h"
#include "datasets/readers/row_reader.h"
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
  return labels.size() <= kMostLabels && 2 * labels.size() <= facts.rows;
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
  return kRowsOfALabel * values.size() <= facts.rows;
}

// `labels`: the answers' different values, in order.
DataKind kind_of(const Facts& facts, const OwnData& data, std::vector<std::string>& labels,
                 std::string& reason) {
  const Values& values = facts.target.values;
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
    return because(
        DataKind::classification,
        fmt::format("the expected answers are {} different values in {} rows", labels.size(), facts.rows));
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

// The rows of a file: the first ones held, the others looked at one by one.
class GuessReader {
 public:
  GuessReader(std::filesystem::path file, BadRows& bad_rows)
      : name_(file.string()), reader_({std::move(file)}, {}, bad_rows) {}

  Result<Documents> first_rows() {
    Documents documents;
    documents.name = name_;
    while (documents.rows.size() < kGuessedRows) {
      Result<std::optional<Json>> row = reader_.next();
      if (!row) return forward_error(row);
      if (!*row) break;
      documents.rows.push_back(std::move(**row));
      documents.origins.push_back({reader_.place(), reader_.index()});
    }
    if (documents.rows.empty()) return bad_input(name_, "the file has no documents");
    documents.collect_columns();
    return documents;
  }

  // Counts the rows behind the first ones, and adds the labels among their answers.
  Result<void> look_at_others(Facts& facts) {
    facts.rows = facts.fields.rows();
    const Values& values = facts.target.values;
    for (size_t row = 0; row < values.rows.size() && facts.blank_target.empty(); ++row) {
      if (is_blank(values.rows[row])) facts.blank_target = facts.fields.documents().place(row);
    }
    facts.labels = values.distinct();
    Result<std::optional<Expression>> target = target_of(facts);
    if (!target) return forward_error(target);
    std::unordered_set<std::string> seen(facts.labels.begin(), facts.labels.end());
    const bool lists = values.all(is_list);  // sets of labels may have many, free texts must not pile up
    while (true) {
      const Result<std::optional<Json>> row = reader_.next();
      if (!row) return tl::unexpected<Error>(row.error());
      if (!*row) break;
      ++facts.rows;
      if (!*target || (!lists && seen.size() > kMostLabels)) continue;
      const std::string place = fmt::format("{} (document {})", reader_.place(), reader_.index() + 1);
      // A row that the expression does not fit is a bad row of the run, which counts and shows them.
      const Result<Json> value = (*target)->target(**row, place, false);
      if (value && is_blank(*value) && facts.blank_target.empty()) facts.blank_target = place;
      if (!value) continue;
      for (std::string& label : Values{{*value}}.distinct()) {
        if (seen.insert(label).second) facts.labels.push_back(std::move(label));
      }
    }
    std::sort(facts.labels.begin(), facts.labels.end());
    return {};
  }

 private:
  static Result<std::optional<Expression>> target_of(const Facts& facts) {
    if (facts.target.text.empty()) return std::optional<Expression>();
    YamlNode node;
    node.kind = YamlNode::Kind::text;
    node.text = facts.target.text;
    node.place = "--target";
    Result<Expression> target = Expression::parse(node, "--target", facts.fields.names());
    if (!target) return forward_error(target);
    return std::optional(std::move(*target));
  }

  std::string name_;
  RowReader reader_;
};

Result<std::filesystem::path> file_of(const OwnData& data, const std::optional<HubRows>& rows,
                                      const HubSettings* hub) {
  if (!rows) return data.file;
  if (hub == nullptr) return unavailable({}, fmt::format("{} cannot be fetched here", rows->text()));
  return fetch_rows(*rows, *hub);
}

// Everything about a file's rows but the kind of task that they make.
Result<void> find_forms(Facts& facts, const OwnData& data) {
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
  return {};
}

std::string heading_of(const std::string& name, const TaskGuess& guess) {
  std::string heading =
      fmt::format("# A task for {}, guessed from its fields ({} rows).\n", one_line(name), guess.rows);
  for (const std::string& line : guess.reasons) heading += fmt::format("#   {}\n", one_line(line));
  return heading +
         "# Change what does not fit; `sizeup tasks check` shows what a change does. Keys: "
         "docs/add-a-task.md\n";
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

Result<std::optional<HubRows>> hub_rows_of(const OwnData& data) {
  const std::string name = data.file.string();
  const bool prefixed = name.starts_with("hf:");
  std::error_code ignored;
  const bool plain = name.find('/') != std::string::npos && is_repository_name(name) &&
                     !std::filesystem::exists(data.file, ignored) && !format_of(data.file);
  if (!prefixed && !plain) {
    if (data.dataset_name.empty() && data.test_split.empty()) return std::optional<HubRows>();
    return usage_error(fmt::format("{} is a file, and has no config or split of that name", name),
                       "--dataset-name and --test-split with a data set of the hub, --data ORG/NAME");
  }
  Result<HubRows> rows = HubRows::parse(name);
  if (!rows) return forward_error(rows);
  if (!data.dataset_name.empty()) rows->config = data.dataset_name;
  if (!data.test_split.empty()) rows->split = data.test_split;
  return std::optional(std::move(*rows));
}

Result<TaskGuess> guess_task(const OwnData& data, int64_t max_bad_rows, const HubSettings* hub) {
  const Result<std::optional<HubRows>> rows = hub_rows_of(data);
  if (!rows) return tl::unexpected<Error>(rows.error());
  Result<std::filesystem::path> file = file_of(data, *rows, hub);
  if (!file) return forward_error(file);
  BadRows bad_rows(max_bad_rows);
  GuessReader reader(std::move(*file), bad_rows);
  Result<Documents> first = reader.first_rows();
  if (!first) return forward_error(first);
  TaskGuess guess;
  std::string reason;
  Facts facts{Fields(std::move(*first))};
  const Fields& fields = facts.fields;
  const bool code = data.target.empty() && (is_humaneval(fields) || is_mbpp(fields));
  if (!code) {
    if (Result<void> found = find_forms(facts, data); !found) return forward_error(found);
  }
  if (Result<void> done = reader.look_at_others(facts); !done) return forward_error(done);
  if (code) {
    guess.kind = DataKind::code;
    reason =
        is_mbpp(fields) ? "each row has a 'test_list'" : "each row has 'prompt', 'test' and 'entry_point'";
  } else {
    guess.kind = kind_of(facts, data, facts.labels, reason);
  }
  guess.rows = facts.rows;
  guess.reasons = {fmt::format("{}: {}", name_of(guess.kind), reason)};
  for (const std::string& more :
       {facts.input.reason, facts.target.reason, facts.choices ? facts.choices->reason : ""}) {
    if (!more.empty()) guess.reasons.push_back(more);
  }
  if (code) {
    guess.reasons.emplace_back(
        "unsafe_code: what the model writes is run, in the sandbox; without a sandbox the task is refused");
  }
  if (facts.rows > kGuessedRows) {
    guess.reasons.push_back(
        fmt::format("looked at: the first {} rows; all {} for their labels", kGuessedRows, facts.rows));
  }
  const std::string name = *rows ? (*rows)->text() : data.file.filename().string();
  Result<std::string> yaml = write_task(data, facts, guess.kind, heading_of(name, guess));
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
