#include "tasks/task.h"

#include "tasks/yaml_task.h"

namespace sizeup {

Result<std::unique_ptr<Task>> load_task(const std::filesystem::path& file, const TaskOptions& options) {
  Result<Definition> definition = read_definition(file, options);
  if (!definition) return forward_error(definition);
  return YamlTask::load(std::move(*definition), options);
}

}  // namespace sizeup
