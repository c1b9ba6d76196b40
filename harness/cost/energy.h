// Energy that what answers takes: of the machine's processors (powercap.h) or of a GPU (nvml.h).
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace sizeup {

// A processor package or a GPU.
class EnergySource {
 public:
  virtual ~EnergySource() = default;
  // Joules since it was made or last asked; nothing where it could not be read.
  virtual std::optional<double> taken() = 0;
  // The longest time that may pass between two questions.
  virtual std::chrono::milliseconds period() const = 0;
};

// Adds up what the sources take from its making on. A thread of its own asks them, each time the shortest of
// their periods is over.
class EnergyMeter {
 public:
  explicit EnergyMeter(std::vector<std::unique_ptr<EnergySource>> sources);
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  // So far; nothing without sources, or if one of them could not be read.
  std::optional<double> joules();

 private:
  void read();  // adds what came since the last reading
  void watch();

  std::vector<std::unique_ptr<EnergySource>> sources_;
  std::chrono::milliseconds period_ = std::chrono::hours(1);
  double joules_ = 0.0;
  bool failed_ = false;
  bool stop_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace sizeup
