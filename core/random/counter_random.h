// Philox 4x32-10, a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC'11): the n-th number under a key is a pure function, so sampling does not depend on batch or order.
#pragma once

#include <array>
#include <cstdint>

namespace sizeup {

// Four uniform 32-bit words for this counter and key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A uniform number in [0, 1) with 53 random bits for (seed, stream, position): seed of the run, a hash of the
// document and repeat, position of the token in the answer.
double uniform(uint64_t seed, uint64_t stream, uint64_t position);

}  // namespace sizeup
