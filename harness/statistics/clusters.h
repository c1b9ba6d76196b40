// Values that come in clusters: samples of one document depend on each other.
#pragma once

#include <cstdint>
#include <span>

#include "harness/statistics/interval.h"

namespace sizeup {

// Whether several values are of one cluster.
bool has_repeats(std::span<const int64_t> clusters);

// The mean with clustered_estimate's interval where clusters repeat, else with mean_estimate's.
Estimate estimate_over(std::span<const double> values, std::span<const int64_t> clusters);

}  // namespace sizeup
