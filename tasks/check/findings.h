// The single checks. Each is shown row after row, and keeps about a hundred bytes of it at most: a file of
// millions of rows is checked in one pass.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tasks/check/check.h"
#include "tasks/definition.h"
#include "tasks/documents.h"

namespace sizeup {

// A row and what it becomes without examples in the prompt.
struct CheckedRow {
  const Json& document;
  const Sample& sample;
  const std::string& place;  // "test.jsonl:13 (document 12)"
};

using Findings = std::vector<Finding>;

class RowCheck {
 public:
  RowCheck() = default;
  virtual ~RowCheck() = default;
  RowCheck(const RowCheck&) = delete;
  RowCheck& operator=(const RowCheck&) = delete;

  virtual void add(const CheckedRow& row) = 0;
  // After the last row.
  virtual void report(Findings& findings) const = 0;
};

// The rows of one finding, the first few of them as its examples.
class FoundRows {
 public:
  void add(const std::string& place, const std::string& what = {});
  size_t count() const { return count_; }

  // Adds the finding if there are rows: "3 rows are empty", where `message` is what follows the number.
  void report(Severity severity, const char* subject, std::string_view message, Findings& findings) const;

 private:
  size_t count_ = 0;
  std::vector<std::string> examples_;
};

// "document 12", of a row that was seen before.
std::string shown_document(int64_t index);

// Blank prompts and answers, fields that some rows lack, signs of a broken encoding, prompts far longer than
// the others. `definition` must live as long as the check, here and below.
std::unique_ptr<RowCheck> empty_and_odd_rows(const Definition& definition);

// The same document again, or the same prompt with another answer.
std::unique_ptr<RowCheck> duplicates();

// How often each label is the answer; labels that are too rare, or written in two ways. Nothing is counted
// where answers are no labels. The counts go to `labels`, which must live as long as the check.
std::unique_ptr<RowCheck> label_counts(const Definition& definition, std::vector<LabelCount>& labels);

// Prompts that contain their answer, where they should not: the right choice alone among the choices, or a
// written answer without a text that it is to be taken from.
std::unique_ptr<RowCheck> leaks(const Definition& definition);

// Texts that look like a model's control tokens: <|im_start|>, [INST], </s>.
std::unique_ptr<RowCheck> special_tokens();

// The texts of other rows, as hashes of their words: what rows may share with them.
class KnownTexts {
 public:
  void add(const Json& row);
  bool contains(size_t print) const { return prints_.contains(print); }

 private:
  std::unordered_set<size_t> prints_;
};

// Rows that share a text with `others`: the whole of it, or 13 words in a row. `what` names them in the
// message.
std::unique_ptr<RowCheck> overlap(KnownTexts others, const char* subject, std::string what);

}  // namespace sizeup
