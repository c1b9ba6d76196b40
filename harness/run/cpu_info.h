// What the system says of the processor.
#pragma once

#include <string>
#include <vector>

namespace sizeup {

struct CpuInfo {
  std::string model;
  // Those of the instruction sets that a device tier or a weight format asks for, by Linux's names.
  std::vector<std::string> flags;
};

// Empty where the system does not say.
CpuInfo read_cpu_info();

}  // namespace sizeup
