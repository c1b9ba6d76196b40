// The cgroup of one place where programs run: bounds on memory and processes that the whole tree shares.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/sandbox/descriptor.h"

namespace sizeup {

// Where cgroups are and where this process is in them; others than the system's are for tests.
struct CgroupPaths {
  std::filesystem::path mount = "/sys/fs/cgroup";
  std::filesystem::path own = "/proc/self/cgroup";
};

class Cgroup {
 public:
  // Version 2 where its memory and pids controllers are handed down to us, else version 1. unavailable where
  // neither can be written. Removes what a killed process of ours left behind.
  static Result<Cgroup> create(const CgroupPaths& paths);

  Cgroup(Cgroup&&) noexcept = default;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();

  // The bounds of the next program.
  Result<void> set_limits(int64_t memory_bytes, int processes);

  // Open cgroup.procs files: whoever writes "0" there is in.
  std::vector<int> entries() const;

  // How often a bound was met since the cgroup was made.
  struct Events {
    int64_t memory = 0;     // processes killed for want of memory
    int64_t processes = 0;  // forks refused
  };
  Events events() const;

 private:
  Cgroup() = default;
  Result<void> open_entries();

  int version_ = 0;
  std::filesystem::path memory_;  // the same folder for both in version 2
  std::filesystem::path pids_;
  std::vector<Descriptor> entries_;
};

}  // namespace sizeup
