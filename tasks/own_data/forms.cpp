#include "tasks/own_data/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/expression.h"

namespace sizeup {
namespace {

// Folded names, the likeliest first. Answers of question sets stand before "label", which is often a number
// of something else.
constexpr std::string_view kTargets[] = {
    "answers",        "answer",         "answerkey", "correctanswer", "output",     "completion",
    "expectedoutput", "expectedanswer", "expected",  "target",        "gold",       "groundtruth",
    "reference",      "labeltext",      "labelname", "labels",        "label",      "category",
    "categories",     "class",          "intent",    "sentiment",     "queue",      "topic",
    "topics",         "tags",           "response",  "summary",       "translation"};

constexpr std::string_view kQuestions[] = {"question", "query", "problem"};
constexpr std::string_view kPassages[] = {"context", "passage", "article", "story", "document", "source"};
constexpr std::string_view kInstructions[] = {"prompt", "instruction"};
constexpr std::string_view kTexts[] = {"text",     "sentence", "input",  "message",     "body",   "content",
                                       "document", "article",  "source", "utterance",   "review", "comment",
                                       "ticket",   "email",    "post",   "description", "title"};

// Two texts that belong together, each on a line of its own.
struct Pair {
  std::string_view first;
  std::string_view second;
};
constexpr std::array kPairs = {Pair{"premise", "hypothesis"},  Pair{"sentence1", "sentence2"},
                               Pair{"question1", "question2"}, Pair{"subject", "body"},
                               Pair{"title", "text"},          Pair{"title", "body"}};

using Names = std::span<const std::string_view>;

// A field that numbers or names its row.
bool names_the_row(const std::string& field) {
  const std::string folded = folded_name(field);
  return folded == "id" || folded == "index" || folded == "idx" || folded == "uuid" || folded.ends_with("id");
}

bool is_template(const std::string& text) {
  return text.find("{{") != std::string::npos || text.find("{%") != std::string::npos;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

tl::unexpected<Error> undecided(const Fields& fields, std::string_view what, std::string_view option) {
  return tl::unexpected<Error>(Error{ErrorKind::usage, fields.documents().name,
                                     fmt::format("no field looks like {}", what), fields.listing(),
                                     fmt::format("name it with {} FIELD", option)});
}

Result<Values> evaluate(const Fields& fields, const std::string& text, std::string_view option) {
  YamlNode node;
  node.kind = YamlNode::Kind::text;
  node.text = text;
  node.place = std::string(option);
  Result<Expression> expression = Expression::parse(node, std::string(option), fields.names());
  if (!expression) return forward_error(expression);
  Values values;
  for (size_t row = 0; row < fields.rows(); ++row) {
    const Documents& documents = fields.documents();
    Result<Json> value = expression->target(documents.rows[row], documents.place(row), false);
    if (!value) return forward_error(value);
    values.rows.push_back(std::move(*value));
  }
  return values;
}

TargetForm target_field(const Fields& fields, const std::string& name, std::string reason) {
  return {name,   accessor(name),      name,
          {name}, fields.values(name), fmt::format("target: the field '{}', {}", name, reason)};
}

TargetForm answer_texts(const Fields& fields, const std::string& name) {
  TargetForm form = target_field(fields, name, "whose 'text' lists the accepted answers");
  form.value += ".text";
  form.text = "{{" + form.value + "}}";
  for (Json& value : form.values.rows) value = holds_texts(value) ? Json(value["text"]) : Json();
  return form;
}

// The one field that holds few values, where no name says more.
std::optional<std::string> only_field_of_few_values(const Fields& fields) {
  constexpr size_t kFew = 20;
  std::optional<std::string> only;
  for (const std::string& name : fields.names()) {
    const Values values = fields.values(name);
    const size_t distinct = values.distinct().size();
    if (names_the_row(name) || !values.all(is_scalar) || distinct < 2 || distinct > kFew ||
        2 * distinct > fields.rows())
      continue;
    if (only) return std::nullopt;
    only = name;
  }
  return only;
}

InputForm field_form(const std::string& name, std::string reason) {
  InputForm form;
  form.text = fmt::format("{{{{{}}}}}", accessor(name));
  form.only_field = name;
  form.fields = {name};
  form.reason = fmt::format("input: the field '{}', {}", name, reason);
  const std::string folded = folded_name(name);
  form.instructs = std::ranges::find(kInstructions, folded) != std::end(kInstructions);
  form.is_question = std::ranges::find(kQuestions, folded) != std::end(kQuestions);
  return form;
}

InputForm conversation_form(const Conversation& found) {
  InputForm form;
  const std::string all = accessor(found.field);
  const std::string asked = found.ends_with_answer ? all + "[:-1]" : all;
  const std::string role = "m." + found.role;
  const std::string content = "m." + found.content;
  if (found.has_system)
    form.description =
        fmt::format("{{% for m in {} if {} == 'system' %}}{{{{{}}}}}\n\n{{% endfor %}}", all, role, content);
  if (found.has_turns) {
    form.text = fmt::format(
        "{{% for m in {} if {} != 'system' %}}{{{{{}}}}}: {{{{{}}}}}\n\n{{% endfor %}}assistant:", asked,
        role, role, content);
  } else {
    form.text =
        fmt::format("{{% for m in {} if {} != 'system' %}}{{{{{}}}}}{{% endfor %}}", asked, role, content);
  }
  form.instructs = true;
  form.fields = {found.field};
  form.reason = fmt::format("input: the conversation in '{}'{}", found.field,
                            found.has_turns ? ", its turns written as one text" : "");
  return form;
}

}  // namespace

std::optional<Conversation> find_conversation(const Fields& fields) {
  const std::optional<std::string> name = fields.first_of({"messages", "conversations", "conversation"});
  if (!name) return std::nullopt;
  for (const auto& [role, content] : {std::pair{"role", "content"}, std::pair{"from", "value"}}) {
    Conversation found{*name, role, content, true, false, false};
    bool fits = true;
    for (const Json& messages : fields.values(*name).rows) {
      fits &= messages.is_array() && !messages.empty();
      size_t asked = 0;
      for (const Json& message : fits ? messages : Json::array()) {
        fits &= message.is_object() && message.contains(role) && message[role].is_string() &&
                message.contains(content) && message[content].is_string();
        if (!fits) break;
        const std::string who = message[role].get<std::string>();
        found.has_system |= who == "system";
        asked += who == "user" || who == "human" ? 1 : 0;
      }
      if (!fits) break;
      const std::string last = messages.back()[role].get<std::string>();
      found.ends_with_answer &= last == "assistant" || last == "gpt";
      found.has_turns |= asked > 1;
    }
    if (fits) return found;
  }
  return std::nullopt;
}

Result<TargetForm> find_target(const Fields& fields, const OwnData& data,
                               const std::optional<Conversation>& conversation) {
  if (is_template(data.target)) {
    Result<Values> values = evaluate(fields, data.target, "--target");
    if (!values) return forward_error(values);
    return TargetForm{data.target, "", "answer", {}, std::move(*values), "target: the given template"};
  }
  if (!data.target.empty()) {
    if (Result<void> known = fields.require_field("--target", data.target); !known)
      return forward_error(known);
    if (fields.values(data.target).all(holds_texts)) return answer_texts(fields, data.target);
    return target_field(fields, data.target, "as given");
  }
  if (const std::optional<std::string> name = fields.first_of(kTargets); name && *name != data.input) {
    if (fields.values(*name).all(holds_texts)) return answer_texts(fields, *name);
    return target_field(fields, *name, "by its name");
  }
  if (conversation && conversation->ends_with_answer) {
    TargetForm form;
    form.value = fmt::format("{}[-1].{}", accessor(conversation->field), conversation->content);
    form.text = "{{" + form.value + "}}";
    form.name = "answer";
    form.fields = {conversation->field};
    for (const Json& messages : fields.values(conversation->field).rows)
      form.values.rows.push_back(messages.back()[conversation->content]);
    form.reason = fmt::format("target: the last message of '{}'", conversation->field);
    return form;
  }
  if (const std::optional<std::string> name = only_field_of_few_values(fields))
    return target_field(fields, *name, "the only one with few different values");
  return undecided(fields, "the expected answer", "--target");
}

Result<InputForm> find_input(const Fields& fields, const OwnData& data,
                             const std::optional<Conversation>& conversation, const TargetForm& target,
                             const std::vector<std::string>& choice_fields) {
  if (is_template(data.input)) {
    InputForm form;
    form.text = data.input;
    form.instructs = true;
    form.reason = "input: the given template";
    return form;
  }
  if (!data.input.empty()) {
    if (Result<void> known = fields.require_field("--input", data.input); !known) return forward_error(known);
    return field_form(data.input, "as given");
  }
  const auto free = [&](const std::optional<std::string>& name) {
    return name && !contains(target.fields, *name) && !contains(choice_fields, *name);
  };
  if (conversation) return conversation_form(*conversation);
  const std::optional<std::string> instruction = fields.first_of({"instruction"});
  const std::optional<std::string> more = fields.first_of({"input"});
  if (free(instruction) && free(more)) {
    InputForm form = field_form(*instruction, "");
    form.text += fmt::format("{{% if {0} %}}\n{{{{{0}}}}}{{% endif %}}", accessor(*more));
    form.fields.push_back(*more);
    // The instruction says what to do, the input is what it is done to: the text of a record.
    form.only_field = *more;
    form.reason = fmt::format("input: the fields '{}' and '{}', by their names", *instruction, *more);
    return form;
  }
  const std::optional<std::string> question = fields.first_of(kQuestions);
  const std::optional<std::string> passage = fields.first_of(kPassages);
  if (free(question)) {
    InputForm form = field_form(*question, "by its name");
    if (!free(passage) || !fields.values(*passage).all(is_text)) return form;
    form.only_field.clear();
    form.passage = *passage;
    form.fields.push_back(*passage);
    form.reason =
        fmt::format("input: the field '{}' with the text in '{}', by their names", *question, *passage);
    return form;
  }
  for (const Pair& pair : kPairs) {
    const std::optional<std::string> first = fields.first_of({pair.first});
    const std::optional<std::string> second = fields.first_of({pair.second});
    if (!free(first) || !free(second)) continue;
    InputForm form = field_form(*first, "");
    form.text += fmt::format("\n{{{{{}}}}}", accessor(*second));
    form.only_field.clear();
    form.fields.push_back(*second);
    form.reason = fmt::format("input: the fields '{}' and '{}', by their names", *first, *second);
    return form;
  }
  for (const auto names : std::initializer_list<Names>{kInstructions, kTexts}) {
    for (const std::string_view name : names) {
      const std::optional<std::string> field = fields.first_of({name});
      if (free(field)) return field_form(*field, "by its name");
    }
  }
  std::optional<std::string> longest;
  for (const std::string& name : fields.names()) {
    if (!free(name) || names_the_row(name) || !fields.values(name).all(is_text)) continue;
    if (!longest || fields.values(name).mean_bytes() > fields.values(*longest).mean_bytes()) longest = name;
  }
  if (longest) return field_form(*longest, "the longest text beside the target");
  return undecided(fields, "the input", "--input");
}

}  // namespace sizeup
