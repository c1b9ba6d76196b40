// Energy of the machine's processors, by the counters of Linux's powercap (RAPL).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/errors/result.h"
#include "harness/cost/energy.h"

namespace sizeup {

inline constexpr const char* kPowercapFolder = "/sys/class/powercap";

// A counter in microjoules that begins again at 0 after `range`.
struct EnergyDomain {
  std::filesystem::path counter;
  std::string name;  // "package-0"
  uint64_t range = 0;
};

// The packages: processors with their caches and memory controllers. What is inside a package (core, uncore)
// is part of its counter, and psys, the whole board's, holds the packages: neither is added to them. Error
// (unavailable) with the reason where there are none, or where they are not readable.
Result<std::vector<EnergyDomain>> energy_domains(const std::filesystem::path& folder = kPowercapFolder);

// From one reading to the next, which comes before a counter has gone round once more.
uint64_t energy_between(uint64_t before, uint64_t after, uint64_t range);

// What an EnergyMeter asks, one source for each.
std::vector<std::unique_ptr<EnergySource>> sources_of(std::vector<EnergyDomain> domains);

}  // namespace sizeup
