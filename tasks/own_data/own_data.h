// Own data without a task file: what a data file asks for is guessed from its fields, and the guess is
// written as a task file, so that everything behind it is the same as for a task that somebody wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "datasets/hub/rows.h"
#include "tasks/selection.h"

namespace sizeup {

// A data file and what the user says of it. What is empty is guessed.
struct OwnData {
  std::filesystem::path file;        // or a data set of the hub, see hub_rows_of
  std::string dataset_name;          // of a data set of the hub: its config
  std::string test_split;            // likewise; empty: test
  std::string input;                 // a field, or a Jinja template over the fields
  std::string target;                // likewise
  std::vector<std::string> choices;  // the labels, or the one field that holds each row's choices
  std::vector<std::string> metrics;
  std::filesystem::path schema;  // a file with a JSON Schema: the answers are records
  std::string grounding;         // the field with the text that answers must rest on
  std::vector<std::string> slices;

  bool operator==(const OwnData&) const = default;
};

enum class DataKind {
  multiple_choice,   // each row has choices of its own
  classification,    // one of a few labels
  multi_label,       // any number of them
  extraction,        // a record
  passage_question,  // an answer from a given text
  question,          // an answer from what the model knows
  generation,        // a text
  code,              // a program, judged by its tests
};

// "question with passage"; for people.
const char* name_of(DataKind kind);

struct TaskGuess {
  DataKind kind = DataKind::generation;
  size_t rows = 0;
  std::vector<std::string> reasons;  // "target: the field 'queue', by its name", one a line
  std::string yaml;                  // the commented task file, meant to lie beside the data file
};

// The rows of the hub that `data.file` names: "Org/Name" where no file or folder has this name and it does
// not end as a data file does, or "hf:Name". Nothing: it is a file. A usage error if a file comes with a
// config or a split.
Result<std::optional<HubRows>> hub_rows_of(const OwnData& data);

// Reads the whole file once. Forms are guessed from its first kGuessedRows rows, which are held in memory;
// labels are gathered, and rows counted, in all. Of rows that cannot be read, `max_bad_rows` are left out.
// `hub` as TaskOptions has it. A usage error says which field is missing or unknown, and which there are.
constexpr size_t kGuessedRows = 10'000;  // a form that so many rows share is the file's
Result<TaskGuess> guess_task(const OwnData& data, int64_t max_bad_rows = 0, const HubSettings* hub = nullptr);

// The guess as load_task and the harness take it. `file` is the data file.
Result<SelectedTask> task_of(const TaskGuess& guess, const std::filesystem::path& file);

}  // namespace sizeup
