// The task files of a folder: found by name, by tag, or all of them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "tasks/entries.h"

namespace sizeup {

// A file whose key `group` names a list `task` of members; every other task file is one task.
bool is_group(const Entries& entries);

// "./x", "x.yaml": a path, not a name.
bool looks_like_path(std::string_view name);

class Catalogue {
 public:
  // Every YAML file in `folder` (and, if `deep`, in its sub-folders), by name; files that begin with "_" hold
  // what others include.
  static Result<Catalogue> scan(const std::filesystem::path& folder, bool deep);

  const std::vector<std::filesystem::path>& files() const { return files_; }

  // The file NAME.yaml.
  std::optional<std::filesystem::path> find(const std::string& name) const;

  // The tasks that carry a tag, by name. A file that cannot be read carries none. The first call reads all
  // files.
  std::vector<std::filesystem::path> tagged(const std::string& tag);

 private:
  std::vector<std::filesystem::path> files_;
  std::optional<std::map<std::string, std::vector<std::filesystem::path>>> by_tag_;
};

}  // namespace sizeup
