// One run of one program in one place.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tasks/sandbox/cgroup.h"
#include "tasks/sandbox/sandbox.h"

namespace sizeup {

struct SandboxPlace {
  std::string bubblewrap;
  std::optional<uid_t> user;     // whom bubblewrap is started as; nothing: as we are
  std::optional<Cgroup> cgroup;  // bounds the whole tree; nothing: limits of each process
};

Result<SandboxOutcome> run_program(SandboxPlace& place, const SandboxProgram& program);

}  // namespace sizeup
