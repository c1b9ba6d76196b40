#include "harness/run/pass_energy.h"

#include <string>
#include <vector>

#include "harness/cost/powercap.h"

namespace sizeup {

namespace {

Result<std::vector<std::unique_ptr<EnergySource>>> sources_for(const ModelCard& card,
                                                               const std::string& nvml) {
  std::vector<std::unique_ptr<EnergySource>> sources;
  if (card.device == "cpu" || card.device == "reference") {
    Result<std::vector<EnergyDomain>> domains = energy_domains();
    if (!domains) return forward_error(domains);
    sources = sources_of(std::move(*domains));
  } else if (!card.pci_bus_id.empty()) {
    Result<std::unique_ptr<EnergySource>> gpu = gpu_energy(card.pci_bus_id, nvml);
    if (!gpu) return forward_error(gpu);
    sources.push_back(std::move(*gpu));
  }
  return sources;
}

}  // namespace

std::unique_ptr<EnergyMeter> energy_meter_for(const ModelCard& card, const std::string& nvml) {
  auto sources = sources_for(card, nvml);
  if (!sources || sources->empty()) return nullptr;
  return std::make_unique<EnergyMeter>(std::move(*sources));
}

void PassEnergy::add(const std::unique_ptr<EnergyMeter>& meter) {
  ++runs_;
  const std::optional<double> joules = meter ? meter->joules() : std::nullopt;
  known_ = known_ && joules;
  joules_ += joules.value_or(0.0);
}

}  // namespace sizeup
