#include "core/memory/available_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/io/control_groups.h"

namespace sizeup {
namespace {

// The number after `name` in a file of lines "name number ..." ("MemAvailable:  123 kB", "inactive_file
// 123").
std::optional<int64_t> find_number(const std::filesystem::path& file, std::string_view name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string word;
    int64_t number = 0;
    if (words >> word >> number && word == name) return number;
  }
  return std::nullopt;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* droppable;  // in memory.stat, of the group and all below
};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};

std::optional<int64_t> left_in(const ControlGroup& group) {
  const GroupFiles& files = group.version == 1 ? kVersion1 : kVersion2;
  const std::optional<int64_t> limit = read_number(group.folder / files.limit);
  const std::optional<int64_t> usage = read_number(group.folder / files.usage);
  if (!limit || !usage) return std::nullopt;
  const int64_t droppable = find_number(group.folder / "memory.stat", files.droppable).value_or(0);
  return std::max<int64_t>(0, *limit - std::max<int64_t>(0, *usage - droppable));
}

}  // namespace

std::optional<int64_t> available_memory_below(const std::filesystem::path& root) {
  std::optional<int64_t> least = find_number(root / "proc/meminfo", "MemAvailable:");
  if (least) *least *= 1024;  // the file counts in KiB
  for (const ControlGroup& group : control_groups("memory", root)) {
    const std::optional<int64_t> left = left_in(group);
    if (left && (!least || *left < *least)) least = left;
  }
  return least;
}

HugePages huge_pages_from(std::string_view setting) {
  if (setting.find("[always]") != std::string_view::npos ||
      setting.find("[madvise]") != std::string_view::npos) {
    return {true, "weights, keys and values lie on huge pages"};
  }
  if (setting.find("[never]") != std::string_view::npos) {
    return {
        false,
        "huge pages are switched off, large models compute slower; an administrator can write \"madvise\" to "
        "/sys/kernel/mm/transparent_hugepage/enabled"};
  }
  return {false, "this system has no transparent huge pages, large models compute slower"};
}

}  // namespace sizeup
