#include "backends/cpu/machine_limits.h"

#include <gtest/gtest.h>

#include <array>

namespace sizeup {
namespace {

// What can be said of any machine: every limit is there once for each thread count, and not by orders of
// magnitude wrong, as a loop that the compiler took away would be.
TEST(MachineLimitsSlow, MeasureEveryThreadCount) {
  constexpr std::array kThreads = {1, 2};
  const MachineLimits limits = measure_machine_limits(kThreads);
  ASSERT_EQ(limits.reads.size(), 2u);
  EXPECT_EQ(limits.arithmetic.size() % 2, 0u);
  for (const ArithmeticLimit& one : limits.arithmetic) {
    EXPECT_GT(one.rate.least, 0.0);
    EXPECT_LE(one.rate.least, one.rate.median);
    EXPECT_LE(one.rate.median, one.rate.most);
    EXPECT_LT(one.rate.most, 1e14) << one.tier;
  }
  for (const ReadLimit& one : limits.reads) {
    EXPECT_GE(one.bytes, size_t{250} << 20);
    EXPECT_GT(one.rate.least, 0.0);
    EXPECT_LT(one.rate.most, 1e13);
  }
}

}  // namespace
}  // namespace sizeup
