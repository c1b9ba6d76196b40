// The top-level keys of a task file with those of the files it includes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/errors/result.h"
#include "tasks/task.h"
#include "tasks/yaml.h"

namespace sizeup {

// A key's value and the file it was written in: data files are relative to that one.
struct Entry {
  YamlNode value;
  std::filesystem::path file;
};
using Entries = std::vector<std::pair<std::string, Entry>>;

const Entry* find_entry(const Entries& entries, std::string_view key);

// The file's own keys win over those of the file it includes, and `overrides` over both. A task that a group
// spells out has no file of its own: its keys are all in `overrides`, whose file is the group's.
Result<Entries> read_entries(const std::filesystem::path& file,
                             const std::optional<TaskOverrides>& overrides);

}  // namespace sizeup
