// What the rows of a data file hold, field by field: what a guess is made from.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "tasks/documents.h"
#include "tasks/expression.h"

namespace sizeup {

// The values of one field, or of an expression over the rows. A row without the field has null.
struct Values {
  std::vector<Json> rows;

  bool all(bool (*holds)(const Json& value)) const;  // of the rows that are not blank; false if all are blank
  size_t blank() const;                              // null, or a text of white space
  std::vector<std::string> distinct() const;  // as texts, in order of appearance; lists give their items
  double mean_bytes() const;                  // of the values as texts
  size_t most_bytes() const;
};

bool is_blank(const Json& value);
bool is_text(const Json& value);
bool is_list(const Json& value);
bool is_integer(const Json& value);   // or a text of digits, as CSV files hold them
bool is_record(const Json& value);    // an object, or a text that is a JSON object
bool is_stripped(const Json& value);  // no text with white space at its ends
bool is_scalar(const Json& value);    // text, number or boolean
bool holds_texts(const Json& value);  // {"text": [...], ...}: SQuAD's answers, ARC's choices

// Of a text such as "['a', 'b']"; nothing if it is none.
std::optional<std::vector<std::string>> literal_texts(const Json& value);

// Lower case without spaces, hyphens and underscores: "Expected output" is "expectedoutput".
std::string folded_name(std::string_view name);

class Fields {
 public:
  explicit Fields(Documents documents) : documents_(std::move(documents)) {}

  size_t rows() const { return documents_.rows.size(); }
  const std::vector<std::string>& names() const { return documents_.columns; }
  const Documents& documents() const { return documents_; }
  bool has(const std::string& name) const;
  Values values(const std::string& name) const;

  // The field with the first of these folded names that there is.
  std::optional<std::string> first_of(std::span<const std::string_view> folded) const;
  std::optional<std::string> first_of(std::initializer_list<std::string_view> folded) const {
    return first_of(std::span(folded.begin(), folded.size()));
  }

  // A usage error that says which fields there are.
  Result<void> require_field(std::string_view option, const std::string& name) const;

  // "'id', 'text' and 'queue'".
  std::string listing() const;

 private:
  Documents documents_;
};

// How a template names a field: `text`, or `_doc["Ticket text"]` where the name is no word.
std::string accessor(const std::string& field);

}  // namespace sizeup
