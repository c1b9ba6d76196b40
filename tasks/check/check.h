// What can be wrong with a task's data before any model is asked: rows that say nothing, say it twice, say
// too much, or have been trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
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
  size_t rows = 0;
  std::vector<LabelCount> labels;  // the most frequent first; empty if the answers are no labels
  std::vector<Finding> findings;   // the gravest first
};

// The rows are read one at a time where the task allows it (no process_docs, no examples of the same split),
// and about 150 bytes are kept of each. `training`: a data file that a model was trained on, or empty.
// `on_sample` sees every sample with its prompt as it will be sent. An error is what load_task would say.
Result<TaskCheck> check_task(const SelectedTask& selected, const TaskOptions& options,
                             const std::filesystem::path& training,
                             const std::function<void(const Sample& sample)>& on_sample);

}  // namespace sizeup
