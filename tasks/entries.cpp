#include "tasks/entries.h"

#include <fmt/format.h>

#include "tasks/keys.h"

namespace sizeup {
namespace {

constexpr int kMaxIncludes = 10;

Result<Entries> read_file_entries(const std::filesystem::path& file, int depth);

// Adds the keys of `root`, then of what it includes, where they are not there yet.
Result<void> add_entries(Entries& entries, const YamlNode& root, const std::filesystem::path& file,
                         int depth) {
  if (root.kind != YamlNode::Kind::map) return bad_input(file.string(), "not a task file", "a map of keys");
  if (Result<void> checked = check_task_keys(root); !checked) return checked;
  for (const auto& [key, value] : root.entries) {
    if (key != "include" && find_entry(entries, key) == nullptr) {
      entries.emplace_back(key, Entry{value, file});
    }
  }
  const YamlNode* include = root.find("include");
  if (include == nullptr) return {};
  if (include->kind != YamlNode::Kind::text) return bad_input(include->place, "'include' is not a file name");
  if (depth == kMaxIncludes) {
    return bad_input(include->place, "too many files include each other",
                     fmt::format("at most {}", kMaxIncludes));
  }
  Result<Entries> included = read_file_entries(file.parent_path() / include->text, depth + 1);
  if (!included) return forward_error(included);
  for (auto& [key, entry] : *included) {
    if (find_entry(entries, key) == nullptr) entries.emplace_back(key, std::move(entry));
  }
  return {};
}

Result<Entries> read_file_entries(const std::filesystem::path& file, int depth) {
  Result<YamlNode> root = read_yaml(file);
  if (!root) return forward_error(root);
  Entries entries;
  if (Result<void> added = add_entries(entries, *root, file, depth); !added) return forward_error(added);
  return entries;
}

}  // namespace

const Entry* find_entry(const Entries& entries, std::string_view key) {
  for (const auto& [name, entry] : entries) {
    if (name == key) return &entry;
  }
  return nullptr;
}

Result<Entries> read_entries(const std::filesystem::path& file,
                             const std::optional<TaskOverrides>& overrides) {
  Entries entries;
  if (overrides) {
    Result<void> added = add_entries(entries, overrides->keys, overrides->file, 0);
    if (!added) return forward_error(added);
    if (overrides->file == file) return entries;
  }
  Result<Entries> own = read_file_entries(file, 0);
  if (!own) return own;
  for (auto& [key, entry] : *own) {
    if (find_entry(entries, key) == nullptr) entries.emplace_back(key, std::move(entry));
  }
  return entries;
}

}  // namespace sizeup
