// What the machine can do at most, measured once in a run, for rates to be read as shares of it.
#pragma once

#include <array>
#include <map>
#include <string_view>

#include "backends/cpu/machine_limits.h"

namespace sizeup {

// FLOP/s of a tier with factors of this dtype; 0 if unknown.
inline double peak(std::string_view tier, std::string_view dtype, int threads) {
  static std::map<int, MachineLimits> measured;
  const auto [found, is_new] = measured.try_emplace(threads);
  if (is_new) found->second = measure_machine_limits(std::array{threads});
  const ArithmeticLimit* limit = arithmetic_limit(found->second, tier, dtype, threads);
  return limit == nullptr ? 0.0 : limit->rate.median;
}

}  // namespace sizeup
