#include "backends/engine/machine_limits.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

ArithmeticLimit limit(std::string_view tier, std::string_view dtype, int threads) {
  return {.tier = tier, .dtype = dtype, .threads = threads, .rate = {}};
}

const MachineLimits kAmxMachine{
    .arithmetic = {limit("avx2", "float32", 1), limit("avx512", "float32", 1), limit("amx", "bfloat16", 1),
                   limit("avx2", "float32", 2), limit("avx512", "float32", 2), limit("amx", "bfloat16", 2)},
    .reads = {{.threads = 1, .bytes = 1, .rate = {}}, {.threads = 2, .bytes = 2, .rate = {}}}};

std::string_view chosen(std::string_view tier, std::string_view dtype, int threads) {
  const ArithmeticLimit* found = arithmetic_limit(kAmxMachine, tier, dtype, threads);
  if (found == nullptr) return "none";
  EXPECT_EQ(found->threads, threads);
  return found->tier;
}

TEST(MachineLimits, AnArithmeticLimitIsThatOfTheTierAndDtype) {
  EXPECT_EQ(chosen("amx", "bfloat16", 2), "amx");
  EXPECT_EQ(chosen("avx2", "float32", 1), "avx2");
  EXPECT_EQ(chosen("avx2", "bfloat16", 1), "avx2") << "without tiles products are float32";
  EXPECT_EQ(chosen("amx", "float32", 1), "avx512") << "tiles do not multiply float32";
  EXPECT_EQ(chosen("", "float32", 2), "avx512") << "the best there is";
  EXPECT_EQ(chosen("", "bfloat16", 2), "amx");
  EXPECT_EQ(chosen("amx", "bfloat16", 3), "none") << "not measured";
}

TEST(MachineLimits, AReadLimitIsThatOfTheThreads) {
  ASSERT_NE(read_limit(kAmxMachine, 2), nullptr);
  EXPECT_EQ(read_limit(kAmxMachine, 2)->bytes, 2u);
  EXPECT_EQ(read_limit(kAmxMachine, 3), nullptr);
}

TEST(MachineLimits, ThoseOfAGpuHoldForAnyThreads) {
  const MachineLimits gpu{
      .arithmetic = {limit("cores", "float32", kAnyThreads), limit("tensor cores", "bfloat16", kAnyThreads)},
      .reads = {{.threads = kAnyThreads, .bytes = 3, .rate = {}}}};
  ASSERT_NE(arithmetic_limit(gpu, "", "float32", 16), nullptr);
  EXPECT_EQ(arithmetic_limit(gpu, "", "float32", 16)->tier, "cores");
  ASSERT_NE(arithmetic_limit(gpu, "", "bfloat16", 16), nullptr);
  EXPECT_EQ(arithmetic_limit(gpu, "", "bfloat16", 16)->tier, "tensor cores");
  ASSERT_NE(read_limit(gpu, 16), nullptr);
}

}  // namespace
}  // namespace sizeup
