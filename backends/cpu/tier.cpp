#include "backends/cpu/tier.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace sizeup {
namespace {

constexpr std::array kTiers{
    CpuTierEntry{CpuTier::avx2, "avx2", "256-bit vectors: most x86-64 processors since 2013",
                 "AVX2, FMA, F16C, BMI1, BMI2"},
    CpuTierEntry{CpuTier::avx512, "avx512", "512-bit vectors: Intel servers since 2017, AMD since Zen 4",
                 "AVX512F, AVX512BW, AVX512VL, AVX512DQ and those of avx2"},
    CpuTierEntry{CpuTier::amx, "amx", "bf16 tile products: Intel servers since Sapphire Rapids (2023)",
                 "AMX-TILE, AMX-BF16, AVX512_BF16 and those of avx512"},
    CpuTierEntry{CpuTier::neon, "neon", "128-bit vectors: every arm64 processor", "ASIMD"},
    CpuTierEntry{CpuTier::neon_bf16, "neon_bf16",
                 "bf16 matrix products: Arm servers since 2021 (Neoverse V1, N2), Apple since M2",
                 "BF16 and those of neon"},
};

// Those of the architecture that this build is for.
#if defined(__aarch64__)
constexpr std::span kOwnTiers = std::span(kTiers).last(2);
#else
constexpr std::span kOwnTiers = std::span(kTiers).first(3);
#endif

// Linux's arch/arm64/include/uapi/asm/hwcap.h.
constexpr int kAsimd = 1;  // of AT_HWCAP
constexpr int kBf16 = 14;  // of AT_HWCAP2

constexpr bool bit(uint64_t word, int index) {
  return (word >> index & 1) != 0;
}

// Bits are those of Intel's Software Developer's Manual, volume 2A, CPUID. A tier asks for the features that
// come with it and with the tiers before it.
struct Feature {
  CpuTier since;
  std::string_view name;
  uint32_t CpuRegisters::*word;
  int index;
};
constexpr std::array kFeatures{
    Feature{CpuTier::avx2, "FMA", &CpuRegisters::leaf1_ecx, 12},
    Feature{CpuTier::avx2, "AVX", &CpuRegisters::leaf1_ecx, 28},
    Feature{CpuTier::avx2, "F16C", &CpuRegisters::leaf1_ecx, 29},
    Feature{CpuTier::avx2, "BMI1", &CpuRegisters::leaf7_ebx, 3},
    Feature{CpuTier::avx2, "AVX2", &CpuRegisters::leaf7_ebx, 5},
    Feature{CpuTier::avx2, "BMI2", &CpuRegisters::leaf7_ebx, 8},
    Feature{CpuTier::avx512, "AVX512F", &CpuRegisters::leaf7_ebx, 16},
    Feature{CpuTier::avx512, "AVX512DQ", &CpuRegisters::leaf7_ebx, 17},
    Feature{CpuTier::avx512, "AVX512BW", &CpuRegisters::leaf7_ebx, 30},
    Feature{CpuTier::avx512, "AVX512VL", &CpuRegisters::leaf7_ebx, 31},
    Feature{CpuTier::amx, "AVX512_BF16", &CpuRegisters::leaf7_1_eax, 5},
    Feature{CpuTier::amx, "AMX-BF16", &CpuRegisters::leaf7_edx, 22},
    Feature{CpuTier::amx, "AMX-TILE", &CpuRegisters::leaf7_edx, 24},
};

// An instruction that the processor knows still faults, or loses its registers at the next switch of threads,
// if the system doesn't save them: volume 1, chapter 13 of the same manual.
struct SavedState {
  CpuTier since;
  std::string_view name;
  uint64_t mask;
};
constexpr int kOsUsesXsave = 27;  // of leaf 1 ECX; without it XGETBV faults
constexpr std::array kStates{
    SavedState{CpuTier::avx2, "AVX registers", 0x6},  // SSE and the upper halves of 256 bits
    SavedState{CpuTier::avx512, "AVX-512 registers",
               0xe0},                                // masks, upper halves of 512 bits, registers 16-31
    SavedState{CpuTier::amx, "AMX tiles", 0x60000},  // tile configuration and tile data
};

std::vector<std::string_view> missing_features(CpuTier tier, const CpuRegisters& registers) {
  std::vector<std::string_view> missing;
  for (const Feature& feature : kFeatures) {
    if (feature.since <= tier && !bit(registers.*feature.word, feature.index))
      missing.push_back(feature.name);
  }
  return missing;
}

#if defined(__x86_64__)

uint64_t read_xcr0() {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

#if defined(__linux__)
// Since Linux 5.16 a process must ask before its first tile instruction, which else is a fault.
bool request_tiles() {
  constexpr int kRequestStatePermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;                    // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestStatePermission, kTileData) == 0;
}
#else
bool request_tiles() {
  return false;
}
#endif

CpuRegisters read_registers(CpuTier tier) {
  CpuRegisters registers{.x86_64 = true};
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) registers.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    registers.leaf7_ebx = ebx;
    registers.leaf7_edx = edx;
    const uint32_t last_subleaf = eax;
    if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
      registers.leaf7_1_eax = eax;
    }
  }
  if (bit(registers.leaf1_ecx, kOsUsesXsave)) registers.xcr0 = read_xcr0();
  // Permission makes the kernel reserve room for tiles in every signal frame: asked for only where it is
  // wanted.
  if (tier == CpuTier::amx) registers.tiles_permitted = request_tiles();
  return registers;
}

#elif defined(__aarch64__)

CpuRegisters read_registers(CpuTier /*tier*/) {
#if defined(__linux__)
  return {.arm64 = true, .hwcap = getauxval(AT_HWCAP), .hwcap2 = getauxval(AT_HWCAP2)};
#elif defined(__APPLE__)
  int has_bf16 = 0;
  size_t size = sizeof has_bf16;
  if (sysctlbyname("hw.optional.arm.FEAT_BF16", &has_bf16, &size, nullptr, 0) != 0) has_bf16 = 0;
  return {.arm64 = true, .hwcap = uint64_t{1} << kAsimd, .hwcap2 = uint64_t{has_bf16 != 0} << kBf16};
#else
  return {.arm64 = true, .hwcap = uint64_t{1} << kAsimd};  // other systems ask for ASIMD themselves
#endif
}

#else

CpuRegisters read_registers(CpuTier /*tier*/) {
  return {};
}

#endif

bool is_neon(CpuTier tier) {
  return tier == CpuTier::neon || tier == CpuTier::neon_bf16;
}

std::optional<std::string> why_no_neon(CpuTier tier, const CpuRegisters& registers) {
  if (!registers.arm64) return "this build is not for arm64 processors";
  if (!bit(registers.hwcap, kAsimd)) return "the processor, or the virtual machine, does not offer ASIMD";
  if (tier == CpuTier::neon_bf16 && !bit(registers.hwcap2, kBf16))
    return "the processor, or the virtual machine, does not offer BF16";
  return std::nullopt;
}

}  // namespace

std::span<const CpuTierEntry> cpu_tiers() {
  return kOwnTiers;
}

std::string_view cpu_tier_name(CpuTier tier) {
  return kTiers[static_cast<size_t>(tier)].name;
}

Result<CpuTier> parse_cpu_tier(std::string_view name) {
  std::vector<std::string_view> names;
  for (const CpuTierEntry& entry : kOwnTiers) {
    if (entry.name == name) return entry.tier;
    names.push_back(entry.name);
  }
  return usage_error(fmt::format("unknown CPU tier '{:.100}'", name),
                     fmt::format("known: {}", fmt::join(names, ", ")));
}

std::optional<std::string> why_unsupported(CpuTier tier, const CpuRegisters& registers) {
  if (is_neon(tier)) return why_no_neon(tier, registers);
  if (!registers.x86_64) return "this build is not for x86-64 processors";
  if (const auto missing = missing_features(tier, registers); !missing.empty()) {
    return fmt::format("the processor, or the virtual machine, does not offer {}", fmt::join(missing, ", "));
  }
  for (const SavedState& state : kStates) {
    const bool saved = bit(registers.leaf1_ecx, kOsUsesXsave) && (registers.xcr0 & state.mask) == state.mask;
    if (state.since <= tier && !saved) {
      return fmt::format("the operating system does not save {}", state.name);
    }
  }
  if (tier == CpuTier::amx && !registers.tiles_permitted) {
    return "the operating system refuses the use of AMX tiles";
  }
  return std::nullopt;
}

std::optional<std::string> why_unsupported(CpuTier tier) {
  return why_unsupported(tier, read_registers(tier));
}

std::optional<std::string> why_refused(CpuTier tier, const CpuRegisters& registers) {
  // The system refuses nothing on arm64. A feature that the processor lacks is not refused either.
  if (is_neon(tier) || !registers.x86_64 || !missing_features(tier, registers).empty()) return std::nullopt;
  return why_unsupported(tier, registers);
}

std::optional<std::string> why_refused(CpuTier tier) {
  return why_refused(tier, read_registers(tier));
}

std::optional<CpuTier> best_cpu_tier() {
  for (auto entry = kOwnTiers.rbegin(); entry != kOwnTiers.rend(); ++entry) {
    if (!why_unsupported(entry->tier)) return entry->tier;
  }
  return std::nullopt;
}

std::optional<std::string> why_no_cpu_tier() {
  return why_unsupported(kOwnTiers.front().tier);
}

}  // namespace sizeup
