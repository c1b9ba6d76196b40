#include "backends/engine/machine_limits.h"

#include <algorithm>

namespace sizeup {
namespace {

bool holds_for(int measured, int threads) {
  return measured == threads || measured == kAnyThreads;
}

}  // namespace

const ArithmeticLimit* arithmetic_limit(const MachineLimits& limits, std::string_view tier,
                                        std::string_view dtype, int threads) {
  const ArithmeticLimit* best = nullptr;
  for (const ArithmeticLimit& limit : limits.arithmetic) {
    if (!holds_for(limit.threads, threads)) continue;
    // float32 never goes through bfloat16 tiles; bfloat16 goes through whatever the tier has.
    if (dtype == "float32" && limit.dtype != dtype) continue;
    best = &limit;
    if (limit.tier == tier) break;
  }
  return best;
}

const ReadLimit* read_limit(const MachineLimits& limits, int threads) {
  const auto found = std::ranges::find_if(
      limits.reads, [&](const ReadLimit& limit) { return holds_for(limit.threads, threads); });
  return found == limits.reads.end() ? nullptr : &*found;
}

}  // namespace sizeup
