// sizeup tasks check: what a task asks, and what its data may do to the results.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "tasks/own_data/own_data.h"

namespace sizeup::cli {

struct TaskCheckCommand {
  std::string target;  // a task's name or file, or a data file
  OwnData data;        // options for a data file
  std::vector<std::string> models;
  std::string training;
  std::string data_dir;
  std::optional<int> num_fewshot;
  int prompts = 1;  // shown
  bool json = false;
  bool offline = false;
};

// Ends with status 1 if rows have problems.
Outcome check_tasks(const TaskCheckCommand& command);

// What --task or a data file stands for: the tasks behind it.
Result<std::vector<SelectedTask>> tasks_behind(const std::string& target, const OwnData& data,
                                               const HubSettings& hub);

}  // namespace sizeup::cli
