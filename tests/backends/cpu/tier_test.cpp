#include "backends/cpu/tier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr CpuTier kX86Tiers[] = {CpuTier::avx2, CpuTier::avx512, CpuTier::amx};

// Such as these machines have (a Haswell desktop; a Cascade Lake and a Sapphire Rapids server), masked to the
// bits that the programming manuals list for these features.
constexpr CpuRegisters kHaswell{.x86_64 = true,
                                .leaf1_ecx = 0x7ffafbff,
                                .leaf7_ebx = 0x000037ab,
                                .leaf7_edx = 0,
                                .leaf7_1_eax = 0,
                                .xcr0 = 0x7,
                                .tiles_permitted = false};
constexpr CpuRegisters kCascadeLake{.x86_64 = true,
                                    .leaf1_ecx = 0x7ffefbff,
                                    .leaf7_ebx = 0xd39ffffb,
                                    .leaf7_edx = 0xbc000400,
                                    .leaf7_1_eax = 0,
                                    .xcr0 = 0x2e7,
                                    .tiles_permitted = false};
constexpr CpuRegisters kSapphireRapids{.x86_64 = true,
                                       .leaf1_ecx = 0x7ffefbff,
                                       .leaf7_ebx = 0xf3bfbffb,
                                       .leaf7_edx = 0xffdd4432,
                                       .leaf7_1_eax = 0x00001c30,
                                       .xcr0 = 0x602e7,
                                       .tiles_permitted = true};

std::string reason(CpuTier tier, const CpuRegisters& registers) {
  return why_unsupported(tier, registers).value_or("supported");
}

TEST(CpuTier, EachMachineHasItsTiers) {
  EXPECT_EQ(reason(CpuTier::avx2, kHaswell), "supported");
  EXPECT_THAT(
      reason(CpuTier::avx512, kHaswell),
      AllOf(HasSubstr("does not offer AVX512F, AVX512DQ, AVX512BW, AVX512VL"), Not(HasSubstr("AMX"))));
  EXPECT_EQ(reason(CpuTier::avx512, kCascadeLake), "supported");
  EXPECT_THAT(reason(CpuTier::amx, kCascadeLake), HasSubstr("AVX512_BF16, AMX-BF16, AMX-TILE"));
  for (const CpuTier tier : kX86Tiers) EXPECT_EQ(reason(tier, kSapphireRapids), "supported");
}

TEST(CpuTier, NoneWithoutX86) {
  for (const CpuTier tier : kX86Tiers) {
    EXPECT_EQ(reason(tier, CpuRegisters{}), "this build is not for x86-64 processors");
  }
}

TEST(CpuTier, NeonAsksForArm64AndItsVectorsAndProducts) {
  constexpr uint64_t kProducts = 1 << 14;
  EXPECT_EQ(reason(CpuTier::neon_bf16, {.arm64 = true, .hwcap = 0x2, .hwcap2 = kProducts}), "supported");
  EXPECT_THAT(reason(CpuTier::neon_bf16, {.arm64 = true, .hwcap = 0x2, .hwcap2 = ~kProducts}),
              HasSubstr("does not offer BF16"));
  EXPECT_THAT(reason(CpuTier::neon_bf16, {.arm64 = true, .hwcap2 = kProducts}),
              HasSubstr("does not offer ASIMD"));
  EXPECT_EQ(reason(CpuTier::neon, {.arm64 = true, .hwcap = 0x2}), "supported");
  EXPECT_THAT(reason(CpuTier::neon, {.arm64 = true, .hwcap = 0x1}), HasSubstr("does not offer ASIMD"));
  EXPECT_EQ(reason(CpuTier::neon, kSapphireRapids), "this build is not for arm64 processors");
  EXPECT_EQ(reason(CpuTier::avx2, {.arm64 = true, .hwcap = 0x2}), "this build is not for x86-64 processors");
}

TEST(CpuTier, OldProcessorIsToldWhatItLacks) {
  CpuRegisters nehalem{.x86_64 = true};
  nehalem.leaf1_ecx = 0x00bae3bd;
  EXPECT_THAT(reason(CpuTier::avx2, nehalem), HasSubstr("FMA, AVX, F16C, BMI1, AVX2, BMI2"));
}

// Each feature is asked for: by the tier that brings it and by all after it, by none before.
TEST(CpuTier, EveryFeatureCounts) {
  struct Case {
    uint32_t CpuRegisters::*word;
    int index;
    CpuTier since;
    const char* name;
  };
  const Case cases[] = {
      {&CpuRegisters::leaf1_ecx, 12, CpuTier::avx2, "FMA"},
      {&CpuRegisters::leaf1_ecx, 29, CpuTier::avx2, "F16C"},
      {&CpuRegisters::leaf7_ebx, 3, CpuTier::avx2, "BMI1"},
      {&CpuRegisters::leaf7_ebx, 5, CpuTier::avx2, "AVX2"},
      {&CpuRegisters::leaf7_ebx, 8, CpuTier::avx2, "BMI2"},
      {&CpuRegisters::leaf7_ebx, 16, CpuTier::avx512, "AVX512F"},
      {&CpuRegisters::leaf7_ebx, 17, CpuTier::avx512, "AVX512DQ"},
      {&CpuRegisters::leaf7_ebx, 30, CpuTier::avx512, "AVX512BW"},
      {&CpuRegisters::leaf7_ebx, 31, CpuTier::avx512, "AVX512VL"},
      {&CpuRegisters::leaf7_1_eax, 5, CpuTier::amx, "AVX512_BF16"},
      {&CpuRegisters::leaf7_edx, 22, CpuTier::amx, "AMX-BF16"},
      {&CpuRegisters::leaf7_edx, 24, CpuTier::amx, "AMX-TILE"},
  };
  for (const Case& feature : cases) {
    CpuRegisters registers = kSapphireRapids;
    registers.*feature.word &= ~(uint32_t{1} << feature.index);
    for (const CpuTier tier : kX86Tiers) {
      const std::string expected =
          tier < feature.since ? "supported" : std::string("does not offer ") + feature.name;
      EXPECT_THAT(reason(tier, registers), HasSubstr(expected)) << feature.name;
    }
  }
}

// CPUID says what the processor can do, not what the system saves: a virtual machine or an old kernel may
// leave registers out.
TEST(CpuTier, SystemMustSaveTheRegisters) {
  CpuRegisters registers = kSapphireRapids;
  registers.xcr0 = 0x7;
  EXPECT_EQ(reason(CpuTier::avx2, registers), "supported");
  EXPECT_EQ(reason(CpuTier::avx512, registers), "the operating system does not save AVX-512 registers");
  for (const uint64_t bit : {0x20, 0x40, 0x80}) {
    registers.xcr0 = 0x602e7 & ~bit;
    EXPECT_EQ(reason(CpuTier::avx512, registers), "the operating system does not save AVX-512 registers");
  }
  for (const uint64_t bit : {0x20000, 0x40000}) {
    registers.xcr0 = 0x602e7 & ~bit;
    EXPECT_EQ(reason(CpuTier::avx512, registers), "supported");
    EXPECT_EQ(reason(CpuTier::amx, registers), "the operating system does not save AMX tiles");
  }
  registers.xcr0 = 0x3;
  EXPECT_EQ(reason(CpuTier::avx2, registers), "the operating system does not save AVX registers");
  registers = kSapphireRapids;
  registers.leaf1_ecx &= ~(uint32_t{1} << 27);
  EXPECT_EQ(reason(CpuTier::avx2, registers), "the operating system does not save AVX registers");
}

TEST(CpuTier, TilesNeedPermission) {
  CpuRegisters registers = kSapphireRapids;
  registers.tiles_permitted = false;
  EXPECT_EQ(reason(CpuTier::amx, registers), "the operating system refuses the use of AMX tiles");
  EXPECT_EQ(reason(CpuTier::avx512, registers), "supported");
}

TEST(CpuTier, IsRefusedOnlyWhereTheProcessorOffersIt) {
  CpuRegisters without_permission = kSapphireRapids;
  without_permission.tiles_permitted = false;
  EXPECT_THAT(why_refused(CpuTier::amx, without_permission).value_or(""), HasSubstr("refuses"));
  EXPECT_FALSE(why_refused(CpuTier::amx, kSapphireRapids).has_value());
  EXPECT_FALSE(why_refused(CpuTier::amx, kCascadeLake).has_value());
  EXPECT_FALSE(why_refused(CpuTier::avx2, CpuRegisters{}).has_value());
}

TEST(CpuTier, NamesAndTiersBelongTogether) {
  for (const CpuTierEntry& entry : cpu_tiers()) {
    EXPECT_EQ(parse_cpu_tier(entry.name), entry.tier);
    EXPECT_EQ(cpu_tier_name(entry.tier), entry.name);
    EXPECT_FALSE(entry.description.empty());
  }
  const bool arm64 = cpu_tiers().front().tier == CpuTier::neon;
  for (const char* name : {"", "AVX2", "avx", arm64 ? "avx2" : "neon"}) {
    const auto tier = parse_cpu_tier(name);
    ASSERT_FALSE(tier.has_value()) << name;
    EXPECT_EQ(tier.error().kind, ErrorKind::usage);
    EXPECT_THAT(describe(tier.error()),
                HasSubstr(arm64 ? "known: neon, neon_bf16" : "known: avx2, avx512, amx"));
  }
}

TEST(CpuTier, BestTierOfThisMachineIsSupportedAndNoneAboveItIs) {
  const std::optional<CpuTier> best = best_cpu_tier();
  for (const CpuTierEntry& entry : cpu_tiers()) {
    EXPECT_EQ(why_unsupported(entry.tier) == std::nullopt, best.has_value() && entry.tier <= *best);
  }
}

}  // namespace
}  // namespace sizeup
