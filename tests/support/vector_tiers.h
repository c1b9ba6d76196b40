// Tiers of this build's architecture that have kernels of their own for rows, convolutions and the delta
// rule.
#pragma once

#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/tier.h"

namespace sizeup {

inline std::vector<CpuTierEntry> vector_tiers() {
  std::vector<CpuTierEntry> tiers;
  for (const CpuTierEntry& entry : cpu_tiers()) {
    // Tiers with products of bfloat16 have the rest of the tier before.
    if (cpu::kernels_of(entry.tier).fast_precision == Precision::float32) tiers.push_back(entry);
  }
  return tiers;
}

}  // namespace sizeup
