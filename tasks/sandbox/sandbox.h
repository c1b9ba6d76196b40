// Runs programs that nobody trusts: they see /usr and a private, bounded /tmp, have no network, no name of
// any secret, and bounds on time, memory, processes and output. When a run ends, every process it started is
// dead.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct SandboxLimits {
  std::chrono::milliseconds wall{10'000};  // sleeping programs end too
  int cpu_seconds = 10;                    // of each process: a busy one cannot outlast its wall time by much
  int64_t memory_bytes = int64_t{512} << 20;  // of all together with a cgroup, of each process without
  int processes = 32;                         // threads count; room for a pool of workers, no room for a bomb
  int64_t file_bytes = int64_t{64} << 20;     // of one file and of /tmp, which lies in memory
  int64_t output_bytes = int64_t{1} << 20;    // written to standard output and error together
};

struct SandboxFile {
  std::string name;  // a plain name: the file lies in /tmp
  std::string content;
};

struct SandboxProgram {
  std::vector<std::string> command;  // an absolute path below /usr, and its arguments
  std::vector<SandboxFile> files;    // at most 8, placed in /tmp, where the program starts
  std::string input;                 // its standard input
  // Proof of completion: the token waits on descriptor 3, and token_returned says whether it came back there.
  // An exit status says less: any line of a program may leave with 0.
  std::string token;
  SandboxLimits limits;
};

enum class SandboxEnd {
  exited,     // code: the exit status
  signal,     // code: the signal's number
  wall_time,  // the rest are bounds that were reached
  cpu_time,
  memory,     // seen with a cgroup only: without one the program's allocations fail
  processes,  // likewise: without a cgroup its forks fail
  output,
};

struct SandboxOutcome {
  SandboxEnd end = SandboxEnd::exited;
  int code = 0;
  std::string output;  // standard output and error, what was read before a bound was reached
  std::string errors;
  bool token_returned = false;
  std::chrono::milliseconds wall{0};
};

// "exit status 3", "ran longer than 10 s", "more than 512 MiB of memory", ...
std::string describe(const SandboxOutcome& outcome, const SandboxLimits& limits);

enum class SandboxLevel {
  none,               // nothing is run
  bubblewrap,         // namespaces and per-process limits, as an unprivileged user
  bubblewrap_cgroup,  // and a cgroup that bounds memory and processes of the whole tree
};
const char* describe(SandboxLevel level);

struct SandboxSettings {
  SandboxLevel needed = SandboxLevel::bubblewrap;
  int slots = 0;  // programs at a time; 0: one for each available processor
  std::filesystem::path bubblewrap = "/usr/bin/bwrap";
  std::filesystem::path python = "/usr/bin/python3";  // what the probe is written in
  bool cgroups = true;
};

// A fixed number of places where programs run. Opening one tries out that the walls hold: a program that
// must not reach the network, read or write a file outside, or fork without end.
class SandboxPool {
 public:
  // unavailable, with what to do about it, where the level that is needed cannot be had.
  static Result<std::unique_ptr<SandboxPool>> open(const SandboxSettings& settings);
  ~SandboxPool();
  SandboxPool(const SandboxPool&) = delete;
  SandboxPool& operator=(const SandboxPool&) = delete;

  SandboxLevel level() const;
  const std::string& why_not_higher() const;  // empty at the highest level
  int slots() const;

  // Waits for a free place, then for the program. May be called from any thread. An error is the sandbox's
  // own failure, never the program's.
  Result<SandboxOutcome> run(const SandboxProgram& program);
  // All of them, as many at a time as there are places, in their order.
  std::vector<Result<SandboxOutcome>> run_all(std::span<const SandboxProgram> programs);

 private:
  class Places;
  explicit SandboxPool(std::unique_ptr<Places> places);
  std::unique_ptr<Places> places_;
};

}  // namespace sizeup
