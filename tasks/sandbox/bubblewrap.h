// The command line of bubblewrap: what a program in the sandbox sees.
#pragma once

#include <string>
#include <vector>

#include "tasks/sandbox/sandbox.h"

namespace sizeup {

inline constexpr int kTokenDescriptor = 3;      // of the program
inline constexpr int kStatusDescriptor = 4;     // bubblewrap's own from here on
inline constexpr int kFirstFileDescriptor = 5;  // one for each file, in their order
inline constexpr size_t kMostSandboxFiles = 8;

// Without a cgroup that bounds the whole tree, the limits of each process do: address space for memory, and
// the number of processes.
std::vector<std::string> bubblewrap_command(const std::string& bubblewrap, const SandboxProgram& program,
                                            bool has_cgroup);

}  // namespace sizeup
