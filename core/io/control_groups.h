// Linux control groups: where the limits stand that a container, a service manager or a batch system gave
// this process. Both versions are read, also mixed, as many systems still have them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

// A folder whose files limit this process.
struct ControlGroup {
  std::filesystem::path folder;
  int version = 2;  // 1 or 2: the files have other names

  bool operator==(const ControlGroup&) const = default;
};

// The groups of this process for one controller ("cpu", "memory"): its own and every one above, since each
// limits all below it. As far up as is mounted here: a container doesn't see the groups around it. Empty
// where there are none. Everything is looked for below `root`.
std::vector<ControlGroup> control_groups(std::string_view controller,
                                         const std::filesystem::path& root = "/");

// The first line of a small file, such as a group's; nothing if it can't be read or is empty.
std::optional<std::string> read_first_line(const std::filesystem::path& file);

// Its first line as a number; nothing for "max" and for -1, which say that there is no limit, and for any
// other text.
std::optional<int64_t> read_number(const std::filesystem::path& file);

}  // namespace sizeup
