// The keys of task files: which are read, which are known but not supported yet, which make no difference.
#pragma once

#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/yaml.h"

namespace sizeup {

// Checks every key and tag of a task file's top level. Errors name the key, its line and what to do.
Result<void> check_task_keys(const YamlNode& root);

// Refuses keys of a map that are not in `known`, with the nearest known one; `what` names the map
// ("generation_kwargs").
Result<void> check_keys(const YamlNode& map, const std::string& what, const std::vector<std::string>& known);

}  // namespace sizeup
