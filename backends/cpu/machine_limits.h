// What this machine's processors can do at most, measured here and now.
#pragma once

#include <span>

#include "backends/engine/machine_limits.h"

namespace sizeup {

// Takes about a third of a second for each measurement: tiers and memory, at each number of threads. Means
// something on an idle machine only.
MachineLimits measure_machine_limits(std::span<const int> thread_counts);

}  // namespace sizeup
