// Do the walls hold here? Tried, not assumed.
#pragma once

#include "tasks/sandbox/run_program.h"

namespace sizeup {

// Runs a program that tries to reach a listening port of this machine and the network, to read and to write
// files outside, and to fork without end. unavailable, naming the wall, where one does not hold.
Result<void> probe(SandboxPlace& place, const std::string& python);

}  // namespace sizeup
