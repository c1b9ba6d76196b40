#include "core/io/control_groups.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace sizeup {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool lists(const std::string& names, std::string_view name) {
  const std::vector<std::string> all = split(names, ',');
  return std::find(all.begin(), all.end(), name) != all.end();
}

// Where a hierarchy of groups can be read, and which of its groups the mount shows as its top.
struct Mount {
  std::string top;
  std::string point;
};

// A line of mountinfo: "36 25 0:30 /top /point options [optional...] - type source super-options".
std::optional<Mount> find_mount(const std::filesystem::path& root, int version, std::string_view controller) {
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> front = split(line.substr(0, dash), ' ');
    const std::vector<std::string> back = split(line.substr(dash + 3), ' ');
    if (front.size() < 5 || back.size() < 3) continue;
    const bool wanted =
        version == 2 ? back[0] == "cgroup2" : back[0] == "cgroup" && lists(back[2], controller);
    if (wanted) return Mount{front[3], front[4]};
  }
  return std::nullopt;
}

// The group's path from the mount's top. A process may be in a group that its mount doesn't show (it was
// moved, or the container shares the system's view of names): then all that can be read is the top.
std::filesystem::path path_below_top(const std::string& group, const std::string& top) {
  const std::filesystem::path below = std::filesystem::path(group).lexically_relative(top);
  const bool outside = below.empty() || *below.begin() == ".." || below == ".";
  return outside ? std::filesystem::path() : below;
}

}  // namespace

std::vector<ControlGroup> control_groups(std::string_view controller, const std::filesystem::path& root) {
  std::vector<ControlGroup> groups;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    // "4:cpu,cpuacct:/path" (version 1), "0::/path" (version 2, with all its controllers).
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const int version = controllers.empty() ? 2 : 1;
    if (version == 1 && !lists(controllers, controller)) continue;
    const std::optional<Mount> mount = find_mount(root, version, controller);
    if (!mount) continue;
    const std::filesystem::path top = root / std::filesystem::path(mount->point).relative_path();
    for (std::filesystem::path below = path_below_top(line.substr(second + 1), mount->top); !below.empty();
         below = below.parent_path()) {
      groups.push_back({top / below, version});
    }
    groups.push_back({top, version});
  }
  return groups;
}

std::optional<std::string> read_first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) return std::nullopt;
  return line;
}

std::optional<int64_t> read_number(const std::filesystem::path& file) {
  const std::optional<std::string> line = read_first_line(file);
  if (!line) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), number);
  if (error != std::errc() || end == line->data() || number < 0) return std::nullopt;
  return number;
}

}  // namespace sizeup
