// When requests arrive in scenario `server`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sizeup {

// Milliseconds from the start, ascending: a renewal process with `qps` arrivals a second in the mean, whose
// gaps are gamma distributed with shape `burstiness` (1: Poisson). The n-th gap depends on seed and n alone.
std::vector<double> arrival_times(size_t count, double qps, double burstiness, uint64_t seed);

}  // namespace sizeup
