// Energy that the machine's processors took, by the counters of Linux's powercap (RAPL).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/errors/result.h"

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

// Adds up what the packages take from its making on. A thread of its own reads the counters each half minute:
// under load they go round within minutes to an hour.
class EnergyMeter {
 public:
  explicit EnergyMeter(std::vector<EnergyDomain> domains);
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  // So far; nothing if a counter could not be read.
  std::optional<double> joules();

 private:
  void read();  // adds what came since the last reading
  void watch();

  std::vector<EnergyDomain> domains_;
  std::vector<uint64_t> last_;
  uint64_t microjoules_ = 0;
  bool failed_ = false;
  bool stop_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace sizeup
