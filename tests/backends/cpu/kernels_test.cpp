// The tables of kernels say what each tier computes with.
#include "backends/cpu/kernels.h"

#include <gtest/gtest.h>

#include "backends/cpu/product.h"

namespace sizeup::cpu {
namespace {

TEST(Kernels, AreThoseOfTheirTier) {
  for (const CpuTierEntry& entry : cpu_tiers()) EXPECT_EQ(kernels_of(entry.tier).tier, entry.name);
}

TEST(Kernels, TilesMultiplyBfloat16AndSplitFloat32) {
  if (!parse_cpu_tier("amx")) GTEST_SKIP() << "built for processors that have no tiles";
  const Kernels& amx = kernels_of(CpuTier::amx);
  EXPECT_EQ(amx.fast_precision, Precision::bfloat16);
  EXPECT_EQ(amx.product(Precision::bfloat16, true).operand, OperandFormat::pairs);
  EXPECT_EQ(amx.product(Precision::float32, true).operand, OperandFormat::split_pairs);
  EXPECT_EQ(amx.product(Precision::float32, false).operand, OperandFormat::floats);
}

TEST(Kernels, TheLastAttentionFamilyTakesEveryShape) {
  AttentionShape odd;
  odd.heads = 3;
  odd.kv_heads = 1;
  odd.head_size = 7;
  for (const CpuTierEntry& entry : cpu_tiers()) {
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      EXPECT_TRUE(kernels_of(entry.tier).attention(precision).back()->supports(odd)) << entry.name;
    }
  }
}

}  // namespace
}  // namespace sizeup::cpu
