// The machine as the store describes it: a number without its conditions is not worth much.
#pragma once

#include <string>

namespace sizeup {

// JSON: {"cpu", "cores", "memory_bytes", "os", "flags"}; flags are the instruction sets that matter to us.
std::string describe_machine();

}  // namespace sizeup
