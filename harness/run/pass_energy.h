// The energy of a pass, where this machine's processors or a GPU of it answer and their energy is readable.
#pragma once

#include <memory>
#include <optional>

#include "backends/backend.h"
#include "harness/cost/energy.h"
#include "harness/cost/nvml.h"

namespace sizeup {

// Counts from now on, what the processors take or, where the card names one, the GPU. Null where nothing can
// be said: the energy is not readable, or an endpoint works elsewhere.
std::unique_ptr<EnergyMeter> energy_meter_for(const ModelCard& card, const std::string& nvml = kNvmlFile);

// The sum over a pass's runs of the backend: unknown as soon as one of them is.
class PassEnergy {
 public:
  void add(const std::unique_ptr<EnergyMeter>& meter);
  std::optional<double> joules() const { return runs_ > 0 && known_ ? std::optional(joules_) : std::nullopt; }

 private:
  int runs_ = 0;
  bool known_ = true;
  double joules_ = 0.0;
};

}  // namespace sizeup
