#include "core/threads/processors.h"

#include <sstream>

#include "core/io/control_groups.h"

namespace sizeup {
namespace {

// Version 2 has "quota period" or "max period" in one file, version 1 two files, -1 for no quota.
std::optional<double> quota_of(const ControlGroup& group) {
  double quota = 0;
  double period = 0;
  if (group.version == 2) {
    std::istringstream line(read_first_line(group.folder / "cpu.max").value_or(""));
    line >> quota >> period;
  } else {
    quota = static_cast<double>(read_number(group.folder / "cpu.cfs_quota_us").value_or(0));
    period = static_cast<double>(read_number(group.folder / "cpu.cfs_period_us").value_or(0));
  }
  if (!(quota > 0 && period > 0)) return std::nullopt;
  return quota / period;
}

}  // namespace

std::optional<double> processor_quota(const std::filesystem::path& root) {
  std::optional<double> smallest;
  for (const ControlGroup& group : control_groups("cpu", root)) {
    const std::optional<double> quota = quota_of(group);
    if (quota && (!smallest || *quota < *smallest)) smallest = quota;
  }
  return smallest;
}

}  // namespace sizeup
