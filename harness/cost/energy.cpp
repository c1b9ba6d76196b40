#include "harness/cost/energy.h"

#include <algorithm>

namespace sizeup {

EnergyMeter::EnergyMeter(std::vector<std::unique_ptr<EnergySource>> sources) : sources_(std::move(sources)) {
  failed_ = sources_.empty();
  for (const auto& source : sources_) period_ = std::min(period_, source->period());
  thread_ = std::thread([this] { watch(); });
}

EnergyMeter::~EnergyMeter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<double> EnergyMeter::joules() {
  const std::lock_guard lock(mutex_);
  read();
  if (failed_) return std::nullopt;
  return joules_;
}

void EnergyMeter::read() {
  for (const auto& source : sources_) {
    const std::optional<double> taken = source->taken();
    failed_ = failed_ || !taken;
    joules_ += taken.value_or(0.0);
  }
}

void EnergyMeter::watch() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [this] { return stop_; })) read();
}

}  // namespace sizeup
