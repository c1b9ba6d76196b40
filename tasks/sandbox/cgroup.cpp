#include "tasks/sandbox/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "tasks/sandbox/launch.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "sizeup-sandbox-";  // then our process and a number

// Kernel files take a value in one write; streams would hide the error.
Result<void> put(const fs::path& file, const std::string& value) {
  const Descriptor out(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!out || write(out.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return unavailable(file.string(), fmt::format("cannot be set to {}: {}", value, std::strerror(errno)));
  }
  return {};
}

std::vector<std::string> words(const fs::path& file) {
  std::vector<std::string> out;
  std::ifstream in(file);
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

bool has(const std::vector<std::string>& all, const char* word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

// The number after a name, as in "oom_kill 3".
int64_t counter(const fs::path& file, const char* name) {
  const std::vector<std::string> all = words(file);
  const auto found = std::find(all.begin(), all.end(), name);
  return found == all.end() || found + 1 == all.end() ? 0 : std::strtoll((found + 1)->c_str(), nullptr, 10);
}

// This process's path in the hierarchy of a controller ("" : version 2), from lines "4:memory:/a/b".
std::optional<std::string> own_path(const fs::path& own, const std::string& controller) {
  std::ifstream in(own);
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == controller) return line.substr(second + 1);
  }
  return std::nullopt;
}

// From a folder up to and including `top`.
std::vector<fs::path> upwards(const fs::path& top, const std::string& below) {
  std::vector<fs::path> out;
  fs::path part = fs::path(below).relative_path().lexically_normal();
  if (has({part.begin(), part.end()}, "..")) part.clear();  // a cgroup outside our namespace
  for (; !part.empty() && part != "."; part = part.parent_path()) out.push_back(top / part);
  out.push_back(top);
  return out;
}

// Folders of processes that were killed before they could tidy up. A bubblewrap that was just starting then
// may be waiting in one for ever.
void sweep(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str() + std::strlen(kPrefix), nullptr, 10));
    if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH) continue;
    for (const std::string& left : words(entry.path() / "cgroup.procs")) {
      const auto number = static_cast<pid_t>(std::strtol(left.c_str(), nullptr, 10));
      if (number > 1) kill(number, SIGKILL);
    }
    fs::remove(entry.path(), ignored);
  }
}

// A new folder that no other place of this process has; empty if none can be made there.
fs::path make_folder(const fs::path& parent) {
  constexpr int kMostPlaces = 1000;
  sweep(parent);
  for (int i = 0; i < kMostPlaces; ++i) {
    fs::path folder = parent / fmt::format("{}{}-{}", kPrefix, getpid(), i);
    if (mkdir(folder.c_str(), 0755) == 0) return folder;
    if (errno != EEXIST) break;
  }
  return {};
}

fs::path make_folder(const std::vector<fs::path>& parents) {
  for (const fs::path& parent : parents) {
    fs::path folder = make_folder(parent);
    if (!folder.empty()) return folder;
  }
  return {};
}

}  // namespace

Result<Cgroup> Cgroup::create(const CgroupPaths& paths) {
  Cgroup group;
  if (const auto own = own_path(paths.own, ""); own && fs::exists(paths.mount / "cgroup.controllers")) {
    std::vector<fs::path> parents;
    for (const fs::path& folder : upwards(paths.mount, *own)) {
      const std::vector<std::string> handed_down = words(folder / "cgroup.subtree_control");
      if (has(handed_down, "memory") && has(handed_down, "pids")) parents.push_back(folder);
    }
    group.version_ = 2;
    group.memory_ = group.pids_ = make_folder(parents);
  } else {
    group.version_ = 1;
    for (const auto& [controller, folder] :
         {std::pair{"memory", &group.memory_}, std::pair{"pids", &group.pids_}}) {
      const auto own_folder = own_path(paths.own, controller);
      if (own_folder) *folder = make_folder(upwards(paths.mount / controller, *own_folder));
    }
  }
  if (group.memory_.empty() || group.pids_.empty()) {
    return unavailable(paths.mount.string(), "no cgroup with bounds on memory and processes can be made here",
                       "as root, or in a cgroup whose memory and pids controllers are delegated, it can");
  }
  if (Result<void> opened = group.open_entries(); !opened) return forward_error(opened);
  return group;
}

Result<void> Cgroup::open_entries() {
  for (const fs::path& folder : {memory_, pids_}) {
    if (version_ == 2 && !entries_.empty()) break;
    Descriptor entry(open((folder / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!entry) return unavailable(folder.string(), "cannot be entered");
    entries_.push_back(move_up(std::move(entry)));
  }
  return {};
}

// The processes are dead, but the kernel may still be letting go of them.
Cgroup::~Cgroup() {
  constexpr int kTries = 200;
  constexpr auto kPause = std::chrono::milliseconds(5);
  entries_.clear();
  for (const fs::path& folder : {memory_, pids_}) {
    for (int i = 0; i < kTries && !folder.empty(); ++i) {
      if (rmdir(folder.c_str()) == 0 || errno != EBUSY) break;
      std::this_thread::sleep_for(kPause);
    }
  }
}

Result<void> Cgroup::set_limits(int64_t memory_bytes, int processes) {
  const std::string bytes = std::to_string(memory_bytes);
  if (Result<void> set = put(pids_ / "pids.max", std::to_string(processes)); !set) return set;
  if (version_ == 2) {
    if (Result<void> set = put(memory_ / "memory.max", bytes); !set) return set;
    const fs::path swap = memory_ / "memory.swap.max";
    return fs::exists(swap) ? put(swap, "0") : Result<void>();
  }
  // Memory and swap together may never be bounded lower than memory alone, so that bound goes first and last.
  const fs::path swap = memory_ / "memory.memsw.limit_in_bytes";
  const bool counts_swap = fs::exists(swap);
  if (counts_swap) {
    if (Result<void> set = put(swap, "-1"); !set) return set;
  }
  if (Result<void> set = put(memory_ / "memory.limit_in_bytes", bytes); !set) return set;
  return counts_swap ? put(swap, bytes) : Result<void>();
}

std::vector<int> Cgroup::entries() const {
  std::vector<int> out;
  for (const Descriptor& entry : entries_) out.push_back(entry.get());
  return out;
}

Cgroup::Events Cgroup::events() const {
  return {counter(memory_ / (version_ == 2 ? "memory.events" : "memory.oom_control"), "oom_kill"),
          counter(pids_ / "pids.events", "max")};
}

}  // namespace sizeup
