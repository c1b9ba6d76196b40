#include "tasks/process_docs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/jinja/text.h"
#include "tasks/document_steps.h"
#include "tasks/expression.h"
#include "tasks/keys.h"
#include "tasks/text/nearest.h"
#include "tasks/text/unicode.h"
#include "tasks/variants.h"

namespace sizeup {

Result<std::string> text_field(const Json& row, const char* field, const std::string& place) {
  const auto found = row.find(field);
  if (found == row.end() || !found->is_string())
    return bad_input(place, fmt::format("the field '{}' is no text", field), "a text");
  return found->get<std::string>();
}

Result<std::vector<std::string>> list_field(const Json& row, const char* field, const std::string& place) {
  const auto found = row.find(field);
  if (found == row.end() || !is_text_list(*found))
    return bad_input(place, fmt::format("the field '{}' is no list of texts", field), "a list");
  return found->get<std::vector<std::string>>();
}

void append_derived(Documents& out, const Documents& from, size_t row, Json document) {
  const DocumentOrigin& origin = from.origins[row];
  out.origins.push_back({origin.place, static_cast<int64_t>(out.rows.size()), origin.made_of});
  out.rows.push_back(std::move(document));
}

namespace {

using Step = DocumentStep;

template <size_t count>
Result<std::array<std::string, count>> text_fields(const Json& row,
                                                   const std::array<const char*, count>& fields,
                                                   const std::string& place) {
  std::array<std::string, count> out;
  for (size_t i = 0; i < count; ++i) {
    Result<std::string> text = text_field(row, fields[i], place);
    if (!text) return forward_error(text);
    out[i] = std::move(*text);
  }
  return out;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  return jinja::replace_all(text, from, to, -1);
}

// re.sub(r"\[.*?\]", "", text): a bracket that is not closed on its line stays.
std::string without_brackets(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.size(), text.find('[', at));
    out += text.substr(at, open - at);
    const size_t end = std::min(text.size(), text.find_first_of("]\n", open));
    const bool closed = end < text.size() && text[end] == ']';
    if (!closed) out += text.substr(open, end - open);
    at = closed ? end + 1 : end;
  }
  return out;
}

// Titles and brackets are left-overs of WikiHow; the last replacement is one pass, as in the original.
std::string hellaswag_text(std::string_view text) {
  return replaced(without_brackets(replaced(python_strip(text), " [title]", ". ")), "  ", " ");
}

Result<void> hellaswag(Json& row, const std::string& place) {
  auto parts = text_fields(row, std::array{"activity_label", "ctx_a", "ctx_b"}, place);
  if (!parts) return forward_error(parts);
  Result<std::vector<std::string>> endings = list_field(row, "endings", place);
  if (!endings) return forward_error(endings);
  for (std::string& ending : *endings) ending = hellaswag_text(ending);
  const auto& [label, before, last] = *parts;
  row["query"] = hellaswag_text(label + ": " + before + " " + jinja::to_capitalized(last));
  row["choices"] = std::move(*endings);
  return {};
}

// AI2's own files nest what the hub's copy has flat.
Result<void> arc(Json& row, const std::string& place) {
  const auto question = row.find("question");
  if (question == row.end()) return bad_input(place, "the field 'question' is missing");
  if (question->is_string()) return {};
  const auto choices = question->is_object() ? question->find("choices") : question->end();
  if (!question->is_object() || choices == question->end() || !choices->is_array())
    return bad_input(place, "the field 'question' is no question of ARC", "{stem, choices: [{text, label}]}");
  Json texts = Json::array();
  Json labels = Json::array();
  for (const Json& choice : *choices) {
    auto parts = text_fields(choice, std::array{"text", "label"}, place);
    if (!parts) return forward_error(parts);
    texts.push_back((*parts)[0]);
    labels.push_back((*parts)[1]);
  }
  Result<std::string> stem = text_field(*question, "stem", place);
  if (!stem) return forward_error(stem);
  row["choices"] = {{"text", std::move(texts)}, {"label", std::move(labels)}};
  row["question"] = std::move(*stem);
  return {};
}

// "a; b;" -> [a, b]
Json semicolon_list(std::string_view text) {
  Json out = Json::array();
  while (!text.empty()) {
    const size_t end = std::min(text.size(), text.find(';'));
    const std::string_view item = python_strip(text.substr(0, end));
    if (!item.empty()) out.push_back(std::string(item));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

Json labelled(Json right, const Json& wrong) {
  Json labels = Json::array();
  for (size_t i = 0; i < right.size() + wrong.size(); ++i) labels.push_back(i < right.size() ? 1 : 0);
  for (const Json& choice : wrong) right.push_back(choice);
  return {{"choices", std::move(right)}, {"labels", std::move(labels)}};
}

// The choices are built as the authors' README says: the best answer (mc1) or all correct ones (mc2), then
// the incorrect ones.
Result<void> truthfulqa(Json& row, const std::string& place) {
  if (row.contains("mc1_targets") && row.contains("mc2_targets")) return {};
  constexpr std::array kColumns = {"Question", "Best Answer", "Correct Answers", "Incorrect Answers"};
  auto parts = text_fields(row, kColumns, place);
  if (!parts) return forward_error(parts);
  const auto& [question, best, correct, incorrect] = *parts;
  const Json wrong = semicolon_list(incorrect);
  row["question"] = question;
  row["mc1_targets"] = labelled(Json::array({std::string(python_strip(best))}), wrong);
  row["mc2_targets"] = labelled(semicolon_list(correct), wrong);
  return {};
}

// White space directly within a pair of brackets or quotes goes; what is between them holds no closing one.
std::string tightened(std::string_view text, char open, char close) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find(open, at);
    const size_t end = begin == std::string_view::npos ? begin : text.find(close, begin + 1);
    if (end == std::string_view::npos) return out.append(text.substr(at));
    out += text.substr(at, begin + 1 - at);
    out += python_strip(text.substr(begin + 1, end - begin - 1));
    out += close;
    at = end + 1;
  }
  return out;
}

// re.sub(r"/' [0-9]/", r"/'[0-9]/", text): the original puts the pattern's text in place of the digit.
std::string wikitext_slashes(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const std::string_view here = text.substr(at, 5);
    if (here.size() == 5 && here.starts_with("/' ") && here[3] >= '0' && here[3] <= '9' && here[4] == '/') {
      out += "/'[0-9]/";
      at += here.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

Result<void> wikitext(Json& row, const std::string& place) {
  Result<std::string> page = text_field(row, "page", place);
  if (!page) return forward_error(page);
  using Replacement = std::pair<const char*, const char*>;
  std::string text = wikitext_slashes(replaced(*page, "s '", "s'"));
  for (const auto& [from, to] :
       {Replacement{" @-@ ", "-"}, Replacement{" @,@ ", ","}, Replacement{" @.@ ", "."},
        Replacement{" : ", ": "}, Replacement{" ; ", "; "}, Replacement{" . ", ". "},
        Replacement{" ! ", "! "}, Replacement{" ? ", "? "}, Replacement{" , ", ", "}}) {
    text = replaced(text, from, to);
  }
  for (const auto& [open, close] : {std::pair{'(', ')'}, std::pair{'[', ']'}, std::pair{'{', '}'},
                                    std::pair{'"', '"'}, std::pair{'\'', '\''}}) {
    text = tightened(text, open, close);
  }
  for (const auto& [from, to] :
       {Replacement{"= = = =", "===="}, Replacement{"= = =", "==="}, Replacement{"= =", "=="},
        Replacement{" \u00b0 ", "\u00b0"}, Replacement{" \n", "\n"}, Replacement{"\n ", "\n"},
        Replacement{" N ", " 1 "}, Replacement{" 's", "'s"}}) {
    text = replaced(text, from, to);
  }
  row["text"] = std::move(text);
  return {};
}

Step on_each(Result<void> (*change)(Json& row, const std::string& place)) {
  return [change](Documents& documents) -> Result<void> {
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      if (Result<void> done = change(documents.rows[i], documents.place(i)); !done) return done;
    }
    return {};
  };
}

template <Result<void> (*change)(Json& row, const std::string& place)>
Result<Step> plain(const YamlNode& node) {
  if (node.is_scalar()) return on_each(change);
  if (Result<void> known = check_keys(node, "process_docs", {"function"}); !known)
    return forward_error(known);
  return on_each(change);
}

// The rows whose field has one value, or a whole number within bounds.
struct Condition {
  std::string field;
  std::optional<std::string> equals;
  std::optional<int64_t> from, to;

  bool holds(const Json& value) const {
    if (equals) return python_text(value) == *equals;
    if (!value.is_number_integer()) return false;
    const auto number = value.get<int64_t>();
    return (!from || number >= *from) && (!to || number <= *to);
  }
};

Result<Step> only(const YamlNode& node) {
  constexpr const char* kForm = "{function: only, field: NAME, equals: VALUE} (or from: N, to: N)";
  if (node.is_scalar()) return bad_input(node.place, "'only' does not say which documents", kForm);
  if (Result<void> known = check_keys(node, "process_docs", {"function", "field", "equals", "from", "to"});
      !known) {
    return forward_error(known);
  }
  const YamlNode* field = node.find("field");
  const YamlNode* equals = node.find("equals");
  if (field == nullptr) return bad_input(node.place, "'only' lacks its 'field'", kForm);
  Condition condition{field->text, {}, {}, {}};
  if (equals != nullptr) condition.equals = equals->text;
  for (const auto& [key, bound] : {std::pair{"from", &condition.from}, std::pair{"to", &condition.to}}) {
    const YamlNode* value = node.find(key);
    if (value == nullptr) continue;
    if (value->kind != YamlNode::Kind::integer)
      return bad_input(value->place, fmt::format("'{}' is no whole number", key), kForm);
    *bound = value->integer;
  }
  if (condition.equals.has_value() == (condition.from || condition.to))
    return bad_input(node.place, "'only' takes either 'equals' or bounds", kForm);
  return Step([condition, place = node.place](Documents& documents) -> Result<void> {
    Documents left;
    for (size_t i = 0; i < documents.rows.size(); ++i) {
      if (!documents.rows[i].contains(condition.field))
        return bad_input(documents.place(i), fmt::format("the field '{}' is missing", condition.field));
      if (!condition.holds(documents.rows[i].at(condition.field))) continue;
      append_derived(left, documents, i, std::move(documents.rows[i]));
    }
    documents.rows = std::move(left.rows);
    documents.origins = std::move(left.origins);
    if (documents.rows.empty())
      return bad_input(place, fmt::format("no document of {} is left", documents.name));
    return {};
  });
}

struct StepRow {
  const char* name;
  const char* description;
  Result<Step> (*make)(const YamlNode& node);
};

constexpr std::array kSteps = {
    StepRow{"arc", "question and choices {text, label} from AI2's question.stem and question.choices",
            plain<arc>},
    StepRow{"each_field",
            "a document for each of several fields, its text and what it stands for under new names",
            each_field},
    StepRow{"hellaswag", "query and choices from activity_label, ctx_a, ctx_b and endings", plain<hellaswag>},
    StepRow{"only", "the documents whose field equals a value, or lies between from and to", only},
    StepRow{"passage_test", "each question with its passage, without one, and with that of another question",
            passage_test},
    StepRow{"truthfulqa", "question, mc1_targets and mc2_targets from the columns of the authors' CSV file",
            plain<truthfulqa>},
    StepRow{"variants", "each document as it is and once more for each stated change to it", variants},
    StepRow{"wikitext", "text: the page without the marks that its tokenizer left", plain<wikitext>},
};

Result<Step> make_step(const YamlNode& node) {
  const YamlNode* named = node.kind == YamlNode::Kind::map ? node.find("function") : &node;
  std::vector<std::string> names;
  for (const StepRow& row : kSteps) {
    if (named != nullptr && named->text == row.name) return row.make(node);
    names.emplace_back(row.name);
  }
  if (named == nullptr || !named->is_scalar())
    return bad_input(node.place, "a step of process_docs has no name", "function: NAME");
  return bad_input(named->place, fmt::format("unknown process_docs '{}'", named->text),
                   fmt::format("one of {}", fmt::join(names, ", ")), did_you_mean(named->text, names));
}

}  // namespace

Result<void> process_documents(const YamlNode& node, Documents& documents) {
  std::vector<Step> steps;
  const std::vector<YamlNode> single = {node};
  for (const YamlNode& item : node.kind == YamlNode::Kind::list ? node.items : single) {
    Result<Step> step = make_step(item);
    if (!step) return forward_error(step);
    steps.push_back(std::move(*step));
  }
  for (const Step& step : steps) {
    if (Result<void> done = step(documents); !done) return done;
  }
  return {};
}

std::vector<DocumentStepListing> process_docs_table() {
  std::vector<DocumentStepListing> listing;
  for (const StepRow& row : kSteps) listing.push_back({row.name, row.description});
  return listing;
}

}  // namespace sizeup
