#include <fmt/format.h>

#include "tasks/sandbox/sandbox.h"

namespace sizeup {

const char* describe(SandboxLevel level) {
  switch (level) {
    case SandboxLevel::none:
      return "none";
    case SandboxLevel::bubblewrap:
      return "bubblewrap, limits for each process";
    case SandboxLevel::bubblewrap_cgroup:
      return "bubblewrap, cgroup";
  }
  throw InternalError("unknown SandboxLevel");
}

std::string describe(const SandboxOutcome& outcome, const SandboxLimits& limits) {
  constexpr double kMebibyte = 1 << 20;
  switch (outcome.end) {
    case SandboxEnd::exited:
      return fmt::format("exit status {}", outcome.code);
    case SandboxEnd::signal:
      return fmt::format("signal {}", outcome.code);
    case SandboxEnd::wall_time:
      return fmt::format("ran longer than {:g} s", static_cast<double>(limits.wall.count()) / 1000.0);
    case SandboxEnd::cpu_time:
      return fmt::format("more than {} s of processor time", limits.cpu_seconds);
    case SandboxEnd::memory:
      return fmt::format("more than {:g} MiB of memory",
                         static_cast<double>(limits.memory_bytes) / kMebibyte);
    case SandboxEnd::processes:
      return fmt::format("more than {} processes", limits.processes);
    case SandboxEnd::output:
      return fmt::format("wrote more than {:g} MiB", static_cast<double>(limits.output_bytes) / kMebibyte);
  }
  throw InternalError("unknown SandboxEnd");
}

}  // namespace sizeup
