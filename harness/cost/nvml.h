// Energy of NVIDIA GPUs, by the library that comes with their driver. It is opened when somebody asks:
// nothing of it is needed to build the program or to start it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/cost/energy.h"

namespace sizeup {

inline constexpr const char* kNvmlFile = "libnvidia-ml.so.1";

// The energy of one card, named by its PCI bus id ("0000:3B:00.0"): the total energy counter where the card
// has one, else its power, asked for ten times a second and added up. Error (unavailable) with the reason
// where there is no library, no such card, no permission, or neither of the two is supported.
Result<std::unique_ptr<EnergySource>> gpu_energy(const std::string& pci_bus_id,
                                                 const std::string& library = kNvmlFile);

struct GpuEnergy {
  std::string name;        // "NVIDIA H100"
  bool available = false;  // its energy can be read
  std::string note;        // by what, or why not
};

// Every card that the library knows.
Result<std::vector<GpuEnergy>> list_gpu_energy(const std::string& library = kNvmlFile);

// What was taken from one power to the next, taken as a straight line between them.
double joules_between(double watts_before, double watts_after, double seconds);

}  // namespace sizeup
