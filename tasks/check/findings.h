// The single checks; each looks at all rows and adds what it finds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/check/check.h"
#include "tasks/definition.h"
#include "tasks/documents.h"

namespace sizeup {

// The rows and what they become without examples in the prompt: `samples[i]` is of `documents.rows[i]`.
struct CheckedRows {
  const Definition& definition;
  const Documents& documents;
  const std::vector<Sample>& samples;
};

using Findings = std::vector<Finding>;

// The rows of one finding, the first few of them as its examples.
class FoundRows {
 public:
  explicit FoundRows(const Documents& documents) : documents_(documents) {}

  void add(size_t row, const std::string& what = {});
  size_t count() const { return count_; }

  // Adds the finding if there are rows: "3 rows are empty", where `message` is what follows the number.
  void report(Severity severity, const char* subject, std::string_view message, Findings& findings) const;

 private:
  const Documents& documents_;
  size_t count_ = 0;
  std::vector<std::string> examples_;
};

// Blank prompts and answers, fields that some rows lack, signs of a broken encoding, prompts far longer than
// the others.
void find_empty_and_odd_rows(const CheckedRows& rows, Findings& findings);

// The same document again, or the same prompt with another answer.
void find_duplicates(const CheckedRows& rows, Findings& findings);

// How often each label is the answer; labels that are too rare, or written in two ways. Nothing is counted
// where answers are no labels.
std::vector<LabelCount> count_labels(const CheckedRows& rows, Findings& findings);

// Prompts that contain their answer, where they should not: the right choice alone among the choices, or a
// written answer without a text that it is to be taken from.
void find_leaks(const CheckedRows& rows, Findings& findings);

// Texts that look like a model's control tokens: <|im_start|>, [INST], </s>.
void find_special_tokens(const CheckedRows& rows, Findings& findings);

// Rows that share a text with `others`: the whole of it, or 13 words in a row. `what` names them in the
// message.
void find_overlap(const CheckedRows& rows, const std::vector<Json>& others, const char* subject,
                  const std::string& what, Findings& findings);

}  // namespace sizeup
