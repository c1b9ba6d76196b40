// The energy of a pass, where this machine's processors answer it and their counters are readable.
#pragma once

#include <memory>
#include <optional>

#include "backends/backend.h"
#include "harness/cost/energy.h"

namespace sizeup {

// Counts from now on; null where nothing can be said: a GPU or an endpoint works elsewhere.
std::unique_ptr<EnergyMeter> energy_meter_for(const ModelCard& card);

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
