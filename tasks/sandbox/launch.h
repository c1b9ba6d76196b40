// Starts a process without copying this one: the child does nothing but system calls before it becomes the
// other program, so neither the threads, the memory nor the sanitizers of this process matter to it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "tasks/sandbox/descriptor.h"

namespace sizeup {

// A descriptor of ours and its number in the child. Ours must be kFirstOwnDescriptor or higher, and every
// number in the child lower, so that none overwrites another.
struct PassedDescriptor {
  int ours = -1;
  int theirs = -1;
};
inline constexpr int kFirstOwnDescriptor = 64;

struct Launch {
  std::vector<std::string> command;           // an absolute path and its arguments; the environment is empty
  std::vector<PassedDescriptor> descriptors;  // all that the child has
  std::vector<int> cgroup_entries;            // cgroup.procs files, open for writing: the child goes in
  std::optional<uid_t> user;                  // becomes this user and group (only root can)
};

struct Child {
  pid_t pid = -1;
  Descriptor handle;  // a pidfd: readable when the process has ended
};

// The child is killed when the calling thread ends. It leads a session of its own.
Result<Child> launch(const Launch& launch);

// Moves a descriptor out of the way of the child's numbers.
Descriptor move_up(Descriptor descriptor);

}  // namespace sizeup
