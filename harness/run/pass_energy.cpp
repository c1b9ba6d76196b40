#include "harness/run/pass_energy.h"

namespace sizeup {

std::unique_ptr<EnergyMeter> energy_meter_for(const ModelCard& card) {
  if (card.device != "cpu" && card.device != "reference") return nullptr;
  Result<std::vector<EnergyDomain>> domains = energy_domains();
  return domains ? std::make_unique<EnergyMeter>(std::move(*domains)) : nullptr;
}

void PassEnergy::add(const std::unique_ptr<EnergyMeter>& meter) {
  ++runs_;
  const std::optional<double> joules = meter ? meter->joules() : std::nullopt;
  known_ = known_ && joules;
  joules_ += joules.value_or(0.0);
}

}  // namespace sizeup
