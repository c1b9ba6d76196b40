#include "cli/task_table.h"

#include <fmt/format.h>

#include "cli/installation.h"
#include "tasks/task.h"

namespace sizeup::cli {

Result<Table> task_table(bool all) {
  auto installation = installation_folder();
  if (!installation) return forward_error(installation);
  auto tasks = list_tasks(*installation / "tasks" / "definitions");
  if (!tasks) return forward_error(tasks);
  Table table({"task", "tasks", "description"});
  for (const TaskListing& task : *tasks) {
    if (all || !task.is_member) table.add({task.name, fmt::format("{}", task.tasks), task.description});
  }
  return table;
}

}  // namespace sizeup::cli
