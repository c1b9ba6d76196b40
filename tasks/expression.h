// What doc_to_text, doc_to_target, doc_to_choice and description may be, evaluated as lm-evaluation-harness
// does: the name of a field, a Jinja template, a fixed number or a fixed list.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/jinja/template.h"
#include "core/json/json.h"
#include "tasks/yaml.h"

namespace sizeup {

class Expression {
 public:
  // `columns`: the fields of the documents. A single word that is none of them is an error, not a constant
  // prompt: it is a mistyped field name.
  static Result<Expression> parse(const YamlNode& node, const std::string& key,
                                  const std::vector<std::string>& columns);

  // A rendered text; fields that hold numbers are written as Python writes them.
  Result<std::string> text(const Json& document, const std::string& place) const;

  // A text, a whole number (the index of a choice) or a list of either. A rendered list is read as Python's
  // literal; a rendered number becomes an index only if the task has choices.
  Result<Json> target(const Json& document, const std::string& place, bool has_choices) const;

  // The choices of a document, or the turns of a conversation; errors if it is no list of texts or empty.
  Result<std::vector<std::string>> texts(const Json& document, const std::string& place) const;

  // One of them; an error if `index` is none of their indices.
  Result<std::string> choice_at(const Json& index, const Json& document, const std::string& place) const;

  // The list written in the task file; nothing if it depends on the document.
  const std::optional<std::vector<std::string>>& fixed_list() const { return list_; }

 private:
  Result<std::string> render(const Json& document, const std::string& place) const;

  std::string key_;
  std::string place_;
  std::optional<std::string> field_;
  std::optional<Template> template_;
  bool names_document_ = false;  // as `_doc`: for fields whose names are no words, {{_doc["Ticket text"]}}
  std::optional<int64_t> number_;
  std::optional<std::vector<std::string>> list_;
};

// A key that names a field which no document has.
tl::unexpected<Error> unknown_field(const std::string& place, const std::string& key,
                                    const std::string& field, const std::vector<std::string>& columns);

// Letters, digits and underscores: what a template can use as a name, and what is taken for a field's name.
bool is_word(std::string_view text);

bool is_text_list(const Json& value);  // an empty list too

// str(value) of Python for what documents hold.
std::string python_text(const Json& value);

}  // namespace sizeup
