// Shared by the tests of the sandbox.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tasks/sandbox/sandbox.h"
#include "tests/support/files.h"

namespace sizeup::test {

inline SandboxProgram python(const std::string& code) {
  SandboxProgram program;
  program.command = {"/usr/bin/python3", "-s", "-S", "-B", "/tmp/program.py"};
  program.files = {{"program.py", code}};
  return program;
}

// Seen without our code: whether this machine has bubblewrap and lets us make namespaces.
inline bool bubblewrap_works() {
  return std::system("bwrap --unshare-all --ro-bind / / /usr/bin/true >/dev/null 2>&1") == 0;
}

// Null, and the test is skipped, where the machine has no such level (no bubblewrap, no user namespaces). A
// sandbox that is refused although bubblewrap works is a failure, not a reason to skip.
inline std::unique_ptr<SandboxPool> open_pool(const SandboxSettings& settings = {}) {
  Result<std::unique_ptr<SandboxPool>> pool = SandboxPool::open(settings);
  if (pool) return std::move(*pool);
  const bool could = settings.needed == SandboxLevel::bubblewrap && bubblewrap_works();
  EXPECT_FALSE(could) << describe(pool.error());
  return nullptr;
}

// Of this level, not of a higher one.
inline std::unique_ptr<SandboxPool> open_pool(SandboxLevel level) {
  SandboxSettings settings;
  settings.needed = level;
  settings.cgroups = level == SandboxLevel::bubblewrap_cgroup;
  settings.slots = 2;
  return open_pool(settings);
}

// Processes, of anybody, whose command line holds this text: the letters of their states (man proc_pid_stat),
// such as S for asleep.
inline std::string states_of(const std::string& marker) {
  // By the stream's own operator, which takes a process that ends meanwhile for an end of file.
  const auto content = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  };
  std::string states;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    if (content(entry.path() / "cmdline").find(marker) == std::string::npos) continue;
    const std::string stat = content(entry.path() / "stat");
    const size_t name_end = stat.rfind(") ");
    if (name_end != std::string::npos) states += stat[name_end + 2];
  }
  return states;
}

// Whether they are all gone within ten seconds: milliseconds, unless others hold the machine.
inline bool vanishes(const std::string& marker) {
  for (int i = 0; i < 1000; ++i) {
    if (states_of(marker).empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// A text that no other process of this machine has in its command line.
inline std::string unique_marker() {
  return "marker-" + std::to_string(getpid()) + "-" +
         std::to_string(::testing::UnitTest::GetInstance()->random_seed());
}

}  // namespace sizeup::test
