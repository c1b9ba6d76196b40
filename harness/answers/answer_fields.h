// Which fields of a file hold recorded answers and what belongs to them, by the fields' names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/own_data/fields.h"

namespace sizeup {

// Where the file does not say it by its fields' names.
struct AnswerFileOptions {
  std::string answer;    // the field with the answer
  std::string id;        // the field with the document's id
  std::string currency;  // of a cost field whose name has none
};

struct AnswerFields {
  struct Figure {
    std::string field;
    double factor = 1.0;  // to milliseconds, of a time
  };

  std::string answer;
  std::optional<std::string> id;  // of the document, or its row number if `by_row`; nothing: the order counts
  bool by_row = false;
  std::optional<std::string> task;
  std::optional<Figure> total, first_token, prompt_tokens, completion_tokens, cost;
  std::string currency;            // of the costs; empty if there are none
  std::vector<std::string> notes;  // what was found, and what was not taken and why
};

// Errors: no field holds answers, an option names no field.
Result<AnswerFields> choose_answer_fields(const Fields& fields, const AnswerFileOptions& options);

}  // namespace sizeup
