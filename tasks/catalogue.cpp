#include "tasks/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tasks/definition.h"
#include "tasks/selection.h"
#include "tasks/task.h"

namespace sizeup {
namespace {

template <class Iterator>
Result<std::vector<std::filesystem::path>> task_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (auto entry = Iterator(folder, error); !error && entry != Iterator(); entry.increment(error)) {
    const std::filesystem::path& file = entry->path();
    const bool base = file.filename().string().starts_with("_");
    if (file.extension() == ".yaml" && !base) files.push_back(file);
  }
  if (error) return unavailable(folder.string(), "the folder of task files cannot be read", error.message());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.stem() < b.stem(); });
  return files;
}

std::vector<std::string> tags_of(const Entries& entries) {
  const Entry* tags = find_entry(entries, "tag");
  if (tags == nullptr) return {};
  if (tags->value.is_scalar()) return {tags->value.text};
  std::vector<std::string> out;
  for (const YamlNode& item : tags->value.items) out.push_back(item.text);
  return out;
}

}  // namespace

bool is_group(const Entries& entries) {
  const Entry* task = find_entry(entries, "task");
  return find_entry(entries, "group") != nullptr && task != nullptr &&
         task->value.kind == YamlNode::Kind::list;
}

bool looks_like_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

Result<Catalogue> Catalogue::scan(const std::filesystem::path& folder, bool deep) {
  using std::filesystem::directory_iterator;
  using std::filesystem::recursive_directory_iterator;
  Result<std::vector<std::filesystem::path>> files =
      deep ? task_files<recursive_directory_iterator>(folder) : task_files<directory_iterator>(folder);
  if (!files) return forward_error(files);
  Catalogue catalogue;
  catalogue.files_ = std::move(*files);
  return catalogue;
}

std::optional<std::filesystem::path> Catalogue::find(const std::string& name) const {
  for (const std::filesystem::path& file : files_) {
    if (file.stem() == name) return file;
  }
  return std::nullopt;
}

std::vector<std::filesystem::path> Catalogue::tagged(const std::string& tag) {
  if (!by_tag_) {
    by_tag_.emplace();
    for (const std::filesystem::path& file : files_) {
      const Result<Entries> entries = read_entries(file, std::nullopt);
      if (!entries || is_group(*entries)) continue;
      for (const std::string& carried : tags_of(*entries)) (*by_tag_)[carried].push_back(file);
    }
  }
  const auto found = by_tag_->find(tag);
  return found == by_tag_->end() ? std::vector<std::filesystem::path>() : found->second;
}

Result<std::vector<TaskListing>> list_tasks(const std::filesystem::path& definitions) {
  Result<Catalogue> catalogue = Catalogue::scan(definitions, true);
  if (!catalogue) return forward_error(catalogue);
  std::vector<std::string> group_files;
  std::vector<TaskListing> tasks;
  std::set<std::string> held;  // groups in groups
  for (const std::filesystem::path& file : catalogue->files()) {
    Result<Entries> entries = read_entries(file, std::nullopt);
    if (!entries) return forward_error(entries);
    if (is_group(*entries)) {
      group_files.push_back(file.string());
      for (const YamlNode& member : find_entry(*entries, "task")->value.items) held.insert(member.text);
      continue;
    }
    Result<Definition> definition = read_definition(file, {});
    if (!definition) return forward_error(definition);
    tasks.push_back({definition->name, definition->about, file, 1, false});
  }
  // All at once, so that every file is looked at once.
  Result<TaskSelection> selected = select_tasks(group_files, definitions);
  if (!selected) return forward_error(selected);
  std::vector<TaskListing> listing;
  for (const std::string& file : group_files) {
    const std::string name = std::filesystem::path(file).stem().string();
    const auto group = std::find_if(selected->groups.begin(), selected->groups.end(),
                                    [&](const TaskGroup& one) { return one.name == name; });
    if (group == selected->groups.end())
      return bad_input(file, "a built-in group has another name than its file", name);
    listing.push_back({name, group->description, file, group->tasks.size(), held.contains(name)});
  }
  std::set<std::filesystem::path> members;
  for (const SelectedTask& task : selected->tasks) members.insert(task.file);
  for (TaskListing& task : tasks) task.is_member = members.contains(task.file);
  listing.insert(listing.end(), tasks.begin(), tasks.end());
  return listing;
}

}  // namespace sizeup
