#include "tasks/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/json/json.h"
#include "tasks/catalogue.h"
#include "tasks/keys.h"
#include "tasks/text/nearest.h"

namespace sizeup {
namespace {

constexpr int kMaxDepth = 10;  // of groups in groups; also what ends a circle of them

constexpr std::array<std::string_view, 5> kGroupKeys = {"group", "group_alias", "task", "metadata",
                                                        "aggregate_metric_list"};

bool is_group_key(const std::string& key) {
  return std::find(kGroupKeys.begin(), kGroupKeys.end(), key) != kGroupKeys.end();
}

// The keys of a group that are not its own are its members'; `first` wins over `second`.
std::optional<TaskOverrides> merged(const std::optional<TaskOverrides>& first,
                                    const std::optional<TaskOverrides>& second) {
  if (!first || !second) return first ? first : second;
  TaskOverrides out = *first;
  for (const YamlEntry& entry : second->keys.entries) {
    if (out.keys.find(entry.key) == nullptr) out.keys.entries.push_back(entry);
  }
  return out;
}

std::optional<TaskOverrides> member_keys(const std::vector<YamlEntry>& entries, const YamlNode& node,
                                         const std::filesystem::path& file) {
  TaskOverrides out;
  out.keys.kind = YamlNode::Kind::map;
  out.keys.place = node.place;
  out.file = file;
  for (const YamlEntry& entry : entries) {
    if (!is_group_key(entry.key)) out.keys.entries.push_back(entry);
  }
  if (out.keys.entries.empty()) return std::nullopt;
  return out;
}

Result<GroupMetric> read_metric(const YamlNode& node) {
  Result<void> known =
      check_keys(node, "aggregate_metric_list", {"metric", "filter_list", "aggregation", "weight_by_size"});
  if (!known) return forward_error(known);
  const YamlNode* name = node.find("metric");
  if (name == nullptr || !name->is_scalar())
    return bad_input(node.place, "an entry of aggregate_metric_list has no 'metric'", "metric: acc");
  GroupMetric out;
  out.metric = name->text;
  if (const YamlNode* aggregation = node.find("aggregation"); aggregation && aggregation->text != "mean")
    return bad_input(aggregation->place, "the aggregation of a group is not known", "mean");
  if (const YamlNode* weigh = node.find("weight_by_size")) {
    if (weigh->kind != YamlNode::Kind::boolean)
      return bad_input(weigh->place, "'weight_by_size' has the wrong type", "true or false");
    out.weight_by_size = weigh->boolean;
  }
  const YamlNode* filters = node.find("filter_list");
  if (filters == nullptr || filters->kind == YamlNode::Kind::null) return out;
  if (filters->is_scalar()) out.filters = {filters->text};
  for (const YamlNode& item : filters->items) out.filters.push_back(item.text);
  return out;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// What a group file or an inline group says of itself.
struct GroupText {
  const YamlNode& node;  // for places
  const std::vector<YamlEntry>& entries;
  const std::filesystem::path& file;

  const YamlNode* find(std::string_view key) const {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const YamlEntry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &found->value;
  }
};

Result<TaskGroup> read_group(const GroupText& text, std::string name, int depth) {
  TaskGroup group;
  group.name = std::move(name);
  group.depth = depth;
  if (const YamlNode* metadata = text.find("metadata")) {
    if (metadata->kind != YamlNode::Kind::map)
      return bad_input(metadata->place, "'metadata' has the wrong type", "a map");
    if (const YamlNode* version = metadata->find("version")) group.version = version->text;
    if (const YamlNode* about = metadata->find("description")) group.description = about->text;
  }
  const YamlNode* metrics = text.find("aggregate_metric_list");
  if (metrics == nullptr || metrics->kind == YamlNode::Kind::null) return group;
  const std::vector<YamlNode> single = {*metrics};
  for (const YamlNode& item : metrics->kind == YamlNode::Kind::list ? metrics->items : single) {
    Result<GroupMetric> metric = read_metric(item);
    if (!metric) return forward_error(metric);
    group.metrics.push_back(std::move(*metric));
  }
  return group;
}

class Selector {
 public:
  explicit Selector(const std::filesystem::path& definitions) : definitions_(definitions) {}

  // Of the command line.
  Result<void> add(const std::string& name) {
    std::error_code ignored;
    if (looks_like_path(name)) {
      if (!std::filesystem::is_regular_file(name, ignored))
        return bad_input(name, "there is no such task file", "the path of a YAML file");
      Result<std::vector<size_t>> added = add_file(name, std::nullopt, 0);
      if (!added) return forward_error(added);
      return {};
    }
    Result<std::optional<std::vector<size_t>>> added = add_named(name, {}, std::nullopt, 0);
    if (!added) return forward_error(added);
    return *added ? Result<void>() : unknown(name);
  }

  TaskSelection take() { return std::move(out_); }

 private:
  // The tasks behind a file: itself, or a group's members.
  Result<std::vector<size_t>> add_file(const std::filesystem::path& file,
                                       const std::optional<TaskOverrides>& overrides, int depth) {
    Result<Entries> entries = read_entries(file, std::nullopt);
    if (!entries) return forward_error(entries);
    if (!is_group(*entries)) return std::vector<size_t>{add_task(file, overrides)};
    std::vector<YamlEntry> keys;
    for (auto& [key, entry] : *entries) keys.push_back({key, std::move(entry.value)});
    YamlNode root;
    root.place = file.string();
    const GroupText text{root, keys, file};
    return add_group(text, text.find("group")->text, overrides, depth);
  }

  // A built-in task, group or tag, or one beside the file of the group that names it; nothing if it is none.
  Result<std::optional<std::vector<size_t>>> add_named(const std::string& name,
                                                       const std::filesystem::path& beside,
                                                       const std::optional<TaskOverrides>& overrides,
                                                       int depth) {
    std::vector<std::filesystem::path> folders;
    if (!beside.empty()) folders.push_back(beside);
    folders.push_back(definitions_);
    for (const std::filesystem::path& folder : folders) {
      Result<Catalogue*> known = catalogue(folder);
      if (!known) return forward_error(known);
      std::vector<std::filesystem::path> files;
      if (const auto file = (*known)->find(name)) {
        files = {*file};
      } else {
        files = (*known)->tagged(name);
      }
      std::vector<size_t> tasks;
      for (const std::filesystem::path& file : files) {
        Result<std::vector<size_t>> added = add_file(file, overrides, depth);
        if (!added) return forward_error(added);
        tasks.insert(tasks.end(), added->begin(), added->end());
      }
      if (!tasks.empty()) return std::optional(std::move(tasks));
    }
    return std::optional<std::vector<size_t>>();
  }

  Result<std::vector<size_t>> add_group(const GroupText& text, const std::string& name,
                                        const std::optional<TaskOverrides>& overrides, int depth) {
    if (depth == kMaxDepth)
      return bad_input(text.node.place, "too many groups hold each other",
                       fmt::format("at most {}", kMaxDepth));
    Result<TaskGroup> group = read_group(text, name, depth);
    if (!group) return forward_error(group);
    const bool known = std::any_of(out_.groups.begin(), out_.groups.end(),
                                   [&](const TaskGroup& other) { return other.name == name; });
    const size_t place = out_.groups.size();
    if (!known) out_.groups.push_back(std::move(*group));
    const std::optional<TaskOverrides> below =
        merged(overrides, member_keys(text.entries, text.node, text.file));
    const YamlNode* list = text.find("task");
    if (list == nullptr) return bad_input(text.node.place, fmt::format("the group '{}' has no 'task'", name));
    std::vector<size_t> tasks;
    const std::vector<YamlNode> single = {*list};
    for (const YamlNode& item : list->kind == YamlNode::Kind::list ? list->items : single) {
      Result<std::vector<size_t>> added = add_member(item, name, text.file, below, depth);
      if (!added) return added;
      for (const size_t task : *added) {
        if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) tasks.push_back(task);
      }
    }
    if (tasks.empty()) return bad_input(text.node.place, fmt::format("the group '{}' has no tasks", name));
    if (!known) out_.groups[place].tasks = tasks;
    return tasks;
  }

  Result<std::vector<size_t>> add_member(const YamlNode& item, const std::string& group,
                                         const std::filesystem::path& file,
                                         const std::optional<TaskOverrides>& below, int depth) {
    if (item.is_scalar()) return add_reference(item, item.text, file, below, depth);
    const YamlNode* inner = item.find("group");
    const YamlNode* named = inner != nullptr ? inner : item.find("task");
    if (item.kind != YamlNode::Kind::map || named == nullptr || !named->is_scalar())
      return bad_input(item.place, fmt::format("a member of the group '{}' is no task and no group", group),
                       "a name, or a map with 'task' or 'group'");
    const std::optional<TaskOverrides> keys = merged(member_keys(item.entries, item, file), below);
    Result<std::optional<std::vector<size_t>>> added =
        add_named(named->text, folder_of(file), keys, depth + 1);
    if (!added) return forward_error(added);
    if (*added) return std::move(**added);
    const std::string name = fmt::format("{}::{}", group, named->text);
    if (inner != nullptr) return add_group({item, item.entries, file}, name, below, depth + 1);
    if (!keys) return unknown_member(item, named->text);
    TaskOverrides whole = *keys;
    YamlNode written = *named;
    written.text = name;
    whole.keys.entries.push_back({"task", std::move(written)});
    if (const YamlNode* metadata = item.find("metadata"))
      whole.keys.entries.push_back({"metadata", *metadata});
    return std::vector<size_t>{add_task(file, std::move(whole))};
  }

  Result<std::vector<size_t>> add_reference(const YamlNode& node, const std::string& name,
                                            const std::filesystem::path& file,
                                            const std::optional<TaskOverrides>& below, int depth) {
    if (looks_like_path(name)) return add_file(folder_of(file) / name, below, depth + 1);
    Result<std::optional<std::vector<size_t>>> added = add_named(name, folder_of(file), below, depth + 1);
    if (!added) return forward_error(added);
    if (!*added) return unknown_member(node, name);
    return std::move(**added);
  }

  size_t add_task(const std::filesystem::path& file, std::optional<TaskOverrides> overrides) {
    const std::string identity =
        file.string() + "\n" + (overrides ? to_canonical(to_json(overrides->keys)) : std::string());
    const auto [known, is_new] = tasks_.emplace(identity, out_.tasks.size());
    if (is_new) out_.tasks.push_back({file.string(), std::move(overrides)});
    return known->second;
  }

  // Scanned once each; a group's own folder without its sub-folders.
  Result<Catalogue*> catalogue(const std::filesystem::path& folder) {
    const auto known = catalogues_.find(folder);
    if (known != catalogues_.end()) return &known->second;
    Result<Catalogue> scanned = Catalogue::scan(folder, folder == definitions_);
    if (!scanned) return forward_error(scanned);
    return &catalogues_.emplace(folder, std::move(*scanned)).first->second;
  }

  tl::unexpected<Error> unknown_member(const YamlNode& node, const std::string& name) {
    return bad_input(node.place, fmt::format("there is no task, group or tag '{}'", name),
                     "a built-in name, or a file beside this one");
  }

  Result<void> unknown(const std::string& name) {
    Result<Catalogue*> known = catalogue(definitions_);
    if (!known) return forward_error(known);
    std::vector<std::string> names;
    for (const std::filesystem::path& file : (*known)->files()) names.push_back(file.stem().string());
    return tl::unexpected<Error>(
        Error{ErrorKind::usage, "", fmt::format("unknown task '{}'", name),
              "a name that `sizeup list tasks --all` shows, a tag, or the path of a YAML file",
              did_you_mean(name, names)});
  }

  const std::filesystem::path& definitions_;
  std::map<std::filesystem::path, Catalogue> catalogues_;
  std::map<std::string, size_t> tasks_;  // file and overrides -> index into out_.tasks
  TaskSelection out_;
};

}  // namespace

Result<TaskSelection> select_tasks(const std::vector<std::string>& names,
                                   const std::filesystem::path& definitions) {
  Selector selector(definitions);
  for (const std::string& name : names) {
    if (Result<void> added = selector.add(name); !added) return forward_error(added);
  }
  return selector.take();
}

}  // namespace sizeup
