// What can be wrong with a task's data before any model is asked: rows that say nothing, say it twice, say
// too much, or have been trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/selection.h"

namespace sizeup {

enum class Severity {
  note,     // worth knowing
  warning,  // results may mislead
  problem,  // rows that should be repaired
};
const char* name_of(Severity severity);

struct Finding {
  Severity severity = Severity::note;
  std::string subject;                // "duplicates", one word that programs can look for
  std::string message;                // a sentence with the count
  size_t rows = 0;                    // how many rows it concerns
  std::vector<std::string> examples;  // of them, by their place
};

struct LabelCount {
  std::string label;
  int64_t rows = 0;
};

struct TaskCheck {
  std::string name;
  std::vector<Sample> samples;     // prompts as they will be sent
  std::vector<LabelCount> labels;  // the most frequent first; empty if the answers are no labels
  std::vector<Finding> findings;   // the gravest first
};

// `training`: a data file that a model was trained on, or empty. An error is what load_task would say.
Result<TaskCheck> check_task(const SelectedTask& selected, const TaskOptions& options,
                             const std::filesystem::path& training);

}  // namespace sizeup
