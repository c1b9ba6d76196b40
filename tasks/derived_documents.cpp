// Steps of process_docs that make several documents of one row.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/jinja/text.h"
#include "tasks/document_steps.h"
#include "tasks/expression.h"
#include "tasks/keys.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// A document for each of several fields of a row: the field's text under one name, what the field stands for
// under another.
struct FieldSplit {
  std::vector<std::pair<std::string, std::string>> fields;  // field, label
  std::string text;
  std::string label;

  Result<void> operator()(Documents& documents) const {
    Documents out;
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      for (const auto& [field, stands_for] : fields) {
        Result<std::string> value = text_field(documents.rows[i], field.c_str(), documents.place(i));
        if (!value) return forward_error(value);
        Json row = documents.rows[i];
        row[text] = std::move(*value);
        row[label] = stands_for;
        append_derived(out, documents, i, std::move(row));
      }
    }
    documents.rows = std::move(out.rows);
    documents.origins = std::move(out.origins);
    return {};
  }
};

// A key that a step cannot do without.
Result<void> take_text(const YamlNode& node, const char* key, const char* form, std::string& to) {
  const YamlNode* value = node.find(key);
  if (value == nullptr || !value->is_scalar() || value->text.empty())
    return bad_input(node.place, fmt::format("the step lacks its '{}'", key), form);
  to = value->text;
  return {};
}

bool holds_any(const std::string& passage, const std::vector<std::string>& answers) {
  const std::string folded = jinja::to_lower(passage);
  return std::ranges::any_of(answers, [&](const std::string& answer) {
    return folded.find(jinja::to_lower(answer)) != folded.npos;
  });
}

// Each question with its passage, without one, and with that of another question: what an answer rests on.
struct PassageTest {
  std::string passage, answers, label;  // fields
  std::string declined;                 // the right answer where the passage does not hold it

  struct Question {
    std::string passage;
    std::vector<std::string> answers;
  };

  Result<std::vector<Question>> questions_of(const Documents& documents) const {
    std::vector<Question> questions;
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      const Json& row = documents.rows[i];
      Result<std::string> text = text_field(row, passage.c_str(), documents.place(i));
      if (!text) return forward_error(text);
      if (python_strip(*text).empty())
        return bad_input(documents.place(i), fmt::format("the field '{}' is empty", passage), "a passage");
      Result<std::vector<std::string>> right = list_field(row, answers.c_str(), documents.place(i));
      if (!right) return forward_error(right);
      questions.push_back({std::move(*text), std::move(*right)});
    }
    return questions;
  }

  // The passage of the next question that holds none of the answers; if each does, the next other one.
  static std::optional<std::string> wrong_passage(const std::vector<Question>& questions, size_t at) {
    std::optional<std::string> other;
    for (size_t step = 1; step < questions.size(); ++step) {
      const std::string& candidate = questions[(at + step) % questions.size()].passage;
      if (candidate == questions[at].passage) continue;
      if (!holds_any(candidate, questions[at].answers)) return candidate;
      if (!other) other = candidate;
    }
    return other;
  }

  Result<void> operator()(Documents& documents) const {
    Result<std::vector<Question>> questions = questions_of(documents);
    if (!questions) return forward_error(questions);
    Documents out;
    const auto add = [&](size_t i, Json row, const char* given) {
      row[label] = given;
      append_derived(out, documents, i, std::move(row));
    };
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      const std::optional<std::string> other = wrong_passage(*questions, i);
      if (!other) return bad_input(documents.name, "all questions have the same passage", "two or more");
      Json row = documents.rows[i];
      add(i, row, "with");
      row[passage] = "";
      add(i, row, "without");
      row[passage] = *other;
      row[answers] = Json::array({declined});
      add(i, std::move(row), "wrong");
    }
    documents.rows = std::move(out.rows);
    documents.origins = std::move(out.origins);
    return {};
  }
};

}  // namespace

Result<DocumentStep> each_field(const YamlNode& node) {
  constexpr const char* kForm =
      "{function: each_field, fields: {FIELD: LABEL, ...}, text: NAME, label: NAME}";
  if (node.is_scalar()) return bad_input(node.place, "'each_field' does not say which fields", kForm);
  if (Result<void> known = check_keys(node, "process_docs", {"function", "fields", "text", "label"}); !known)
    return forward_error(known);
  FieldSplit split;
  for (const auto& [key, to] : {std::pair{"text", &split.text}, std::pair{"label", &split.label}}) {
    if (Result<void> taken = take_text(node, key, kForm, *to); !taken) return forward_error(taken);
  }
  const YamlNode* fields = node.find("fields");
  if (fields == nullptr || fields->kind != YamlNode::Kind::map || fields->entries.empty())
    return bad_input(node.place, "'each_field' lacks its 'fields'", kForm);
  for (const YamlEntry& entry : fields->entries) {
    if (!entry.value.is_scalar())
      return bad_input(entry.value.place, fmt::format("what '{}' stands for is no text", entry.key), kForm);
    split.fields.emplace_back(entry.key, entry.value.text);
  }
  return DocumentStep(std::move(split));
}

Result<DocumentStep> passage_test(const YamlNode& node) {
  constexpr const char* kForm =
      "{function: passage_test, passage: FIELD, answers: FIELD, declined: TEXT, label: NAME}";
  if (node.is_scalar()) return bad_input(node.place, "'passage_test' does not say which fields", kForm);
  if (Result<void> known =
          check_keys(node, "process_docs", {"function", "passage", "answers", "declined", "label"});
      !known) {
    return forward_error(known);
  }
  PassageTest test;
  for (const auto& [key, to] : {std::pair{"passage", &test.passage}, std::pair{"answers", &test.answers},
                                std::pair{"declined", &test.declined}, std::pair{"label", &test.label}}) {
    if (Result<void> taken = take_text(node, key, kForm, *to); !taken) return forward_error(taken);
  }
  return DocumentStep(std::move(test));
}

}  // namespace sizeup
