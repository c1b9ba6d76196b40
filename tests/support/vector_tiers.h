// Tiers of this build's architecture that have kernels of their own for rows, convolutions and the delta
// rule.
#pragma once

#include <vector>

#include "backends/cpu/tier.h"

namespace sizeup {

inline std::vector<CpuTierEntry> vector_tiers() {
  std::vector<CpuTierEntry> tiers;
  for (const CpuTierEntry& entry : cpu_tiers()) {
    if (entry.tier != CpuTier::amx) tiers.push_back(entry);  // it has those of avx512
  }
  return tiers;
}

}  // namespace sizeup
