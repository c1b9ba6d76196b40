// What a machine can do at most, so that other speeds can be read as shares of it: arithmetic on values that
// never leave registers, and reading memory that no cache holds.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/timing/spread.h"

namespace sizeup {

// Of limits that threads of the host have nothing to do with: a GPU's.
inline constexpr int kAnyThreads = 0;

// Floating-point operations a second, a multiplication and an addition counted as two.
struct ArithmeticLimit {
  std::string_view tier;   // "avx2", "amx", "neon"; of a GPU its unit: "cores", "tensor cores"
  std::string_view dtype;  // of the factors: "float32", "bfloat16"; sums are float32
  int threads = 1;         // or kAnyThreads
  Spread rate;
};

// Bytes a second.
struct ReadLimit {
  int threads = 1;   // or kAnyThreads
  size_t bytes = 0;  // read in one repetition
  Spread rate;
};

struct MachineLimits {
  std::vector<ArithmeticLimit> arithmetic;  // of the tiers this machine has; empty where we have no kernel
  std::vector<ReadLimit> reads;             // empty if there is not enough memory to measure
};

// Measures a device's limits: what needs threads of the host at each number of them.
using MeasureLimits = MachineLimits (*)(std::span<const int> thread_counts);

// The peak that a device of this tier and dtype could reach with so many threads; nullptr if unknown. An
// empty tier stands for the best there is, and products of bfloat16 where tiles are missing are done in
// float32.
const ArithmeticLimit* arithmetic_limit(const MachineLimits& limits, std::string_view tier,
                                        std::string_view dtype, int threads);
const ReadLimit* read_limit(const MachineLimits& limits, int threads);

}  // namespace sizeup
