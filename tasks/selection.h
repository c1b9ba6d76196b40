// What `--task` selects: a task, a group of tasks (a YAML file with `group` and a list `task`), or every task
// that carries a tag. Groups, their members and what they override are as in lm-evaluation-harness.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/task.h"

namespace sizeup {

// One entry of aggregate_metric_list: how the members' values of a metric become the group's.
struct GroupMetric {
  std::string metric;
  std::vector<std::string> filters;  // empty: whatever filters the members have
  bool weight_by_size = true;
};

struct TaskGroup {
  std::string name;
  std::string description;  // metadata.description, or empty
  std::string version;      // metadata.version, or empty
  int depth = 0;            // below the group that holds it
  std::vector<GroupMetric> metrics;
  std::vector<size_t> tasks;  // indices into TaskSelection::tasks: the members and those of its groups
};

struct SelectedTask {
  std::string file;  // of the task, as load_task reads it
  std::optional<TaskOverrides> overrides;
};

struct TaskSelection {
  std::vector<SelectedTask> tasks;  // each once, however often it is named
  std::vector<TaskGroup> groups;    // a group stands before those it holds
};

// Each name: a built-in task, group or tag, or the path of a YAML file. A group file's members are looked up
// beside it first, then among the built-in ones in `definitions`.
Result<TaskSelection> select_tasks(const std::vector<std::string>& names,
                                   const std::filesystem::path& definitions);

}  // namespace sizeup
