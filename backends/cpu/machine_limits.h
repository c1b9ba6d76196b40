// What this machine can do at most, measured here and now, so that other speeds can be read as shares of it:
// arithmetic on values that never leave registers, and reading memory that no cache holds.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/timing/spread.h"

namespace sizeup {

// Floating-point operations a second, a multiplication and an addition counted as two.
struct ArithmeticLimit {
  std::string_view tier;   // "avx2", "avx512", "amx"
  std::string_view dtype;  // of the factors: "float32", "bfloat16"; sums are float32
  int threads = 1;
  Spread rate;
};

// Bytes a second.
struct ReadLimit {
  int threads = 1;
  size_t bytes = 0;  // read in one repetition
  Spread rate;
};

struct MachineLimits {
  std::vector<ArithmeticLimit> arithmetic;  // of the tiers this machine has; empty where we have no kernel
  std::vector<ReadLimit> reads;             // empty if there is not enough memory to measure
};

// Takes about a third of a second for each measurement: tiers and memory, at each number of threads. Means
// something on an idle machine only.
MachineLimits measure_machine_limits(std::span<const int> thread_counts);

// The peak that a device of this tier and dtype could reach with so many threads; nullptr if unknown. An
// empty tier stands for the best of this machine, and products of bfloat16 where tiles are missing are
// done in float32.
const ArithmeticLimit* arithmetic_limit(const MachineLimits& limits, std::string_view tier,
                                        std::string_view dtype, int threads);
const ReadLimit* read_limit(const MachineLimits& limits, int threads);

}  // namespace sizeup
