// Answers that were produced elsewhere, as files of them look: one row an answer, under any of the common
// field names.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct RecordedAnswer {
  std::string text;
  std::optional<std::string> error;  // the row says that its request failed, or holds no answer
  // Milliseconds; nothing where the row does not say. The first token of an answer that came as a whole is
  // the answer.
  std::optional<double> total_ms;
  std::optional<double> ttft_ms;
  std::optional<int> prompt_tokens;
  std::optional<int> completion_tokens;
  std::optional<double> cost;
};

// Where the file does not say it by its fields' names.
struct AnswerFileOptions {
  std::string answer;    // the field with the answer
  std::string id;        // the field with the document's id
  std::string currency;  // of a cost field whose name has none
};

struct AnswerFile {
  // By document id, or by row number as text if `by_row`; several answers to one document are its repeats.
  // Under the name of a task, or under "" where the rows name none.
  std::map<std::string, std::map<std::string, std::vector<RecordedAnswer>>> answers;
  bool by_row = false;
  bool names_tasks = false;
  std::string currency;            // of the costs; empty if there are none
  std::string hash;                // SHA-256 of the file
  std::vector<std::string> notes;  // what was found, and what was not taken and why
};

// Any data file that a task may have. Errors: no field holds answers, an option names no field, a figure is
// negative or no number.
Result<AnswerFile> read_answer_file(const std::filesystem::path& file, const AnswerFileOptions& options);

}  // namespace sizeup
