// Answers that were produced elsewhere, as files of them look: one row an answer, under any of the common
// field names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/answers/answer_fields.h"
#include "harness/answers/answer_table.h"

namespace sizeup {

struct AnswerFile {
  // By document id, or by row number as text if `by_row`. Under the name of a task, or under "" where the
  // rows name none.
  AnswerTable answers;
  bool by_row = false;
  bool names_tasks = false;
  bool has_latencies = false;           // some answer says how long it took
  std::string currency = {};            // of the costs; empty if there are none
  std::string hash = {};                // SHA-256 of the file
  std::vector<std::string> notes = {};  // what was found, and what was not taken and why
};

// Any data file that a task may have; it is read twice, a row at a time. Errors: no field holds answers, an
// option names no field, a figure is negative or no number, the file changed meanwhile.
Result<AnswerFile> read_answer_file(const std::filesystem::path& file, const AnswerFileOptions& options);

}  // namespace sizeup
