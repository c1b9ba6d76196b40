// The built-in tasks: every YAML file in one folder.
#include <fmt/format.h>

#include <algorithm>

#include "tasks/definition.h"
#include "tasks/task.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

Result<std::vector<std::filesystem::path>> definition_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".yaml") files.push_back(entry->path());
  }
  if (error)
    return unavailable(folder.string(), "the folder of the built-in tasks cannot be read", error.message());
  std::sort(files.begin(), files.end());
  return files;
}

bool looks_like_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

}  // namespace

Result<std::filesystem::path> find_task(const std::string& name_or_path,
                                        const std::filesystem::path& definitions) {
  std::error_code ignored;
  if (looks_like_path(name_or_path)) {
    if (std::filesystem::is_regular_file(name_or_path, ignored)) return std::filesystem::path(name_or_path);
    return bad_input(name_or_path, "there is no such task file", "the path of a YAML file");
  }
  Result<std::vector<std::filesystem::path>> files = definition_files(definitions);
  if (!files) return forward_error(files);
  std::vector<std::string> names;
  for (const std::filesystem::path& file : *files) {
    if (file.stem() == name_or_path) return file;
    names.push_back(file.stem().string());
  }
  const std::string nearest = nearest_name(name_or_path, names);
  Error error{ErrorKind::usage, "", fmt::format("unknown task '{}'", name_or_path),
              fmt::format("one of {}, or the path of a YAML file", fmt::join(names, ", ")),
              nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest)};
  return tl::unexpected<Error>(std::move(error));
}

Result<std::vector<TaskListing>> list_tasks(const std::filesystem::path& definitions) {
  Result<std::vector<std::filesystem::path>> files = definition_files(definitions);
  if (!files) return forward_error(files);
  std::vector<TaskListing> listing;
  for (const std::filesystem::path& file : *files) {
    Result<Definition> definition = read_definition(file, {});
    if (!definition) return forward_error(definition);
    listing.push_back({file.stem().string(), definition->about, file});
  }
  return listing;
}

}  // namespace sizeup
