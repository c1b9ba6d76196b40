// Tiers of the CPU device: levels of the instruction sets of x86-64 and arm64, each of which has its own
// kernels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// In order within an architecture: a machine that has one has those before it too. The last two are arm64's.
enum class CpuTier { avx2, avx512, amx, neon, neon_bf16 };

struct CpuTierEntry {
  CpuTier tier;
  std::string_view name;         // "avx512", what users write: --cpu-tier avx512
  std::string_view description;  // one line
  std::string_view features;     // what it asks of the processor, with what the tiers before it ask
};

// Those of the architecture that this build is for; of x86-64 where it is for neither.
std::span<const CpuTierEntry> cpu_tiers();

// "avx512"
std::string_view cpu_tier_name(CpuTier tier);

// usage error, with the names that there are, for any other text.
Result<CpuTier> parse_cpu_tier(std::string_view name);

// Why this machine can't run the tier's kernels, a phrase such as "the processor does not offer AVX2, FMA";
// nothing if it can. Asking for amx also asks the system for permission to use tiles, which then holds for
// the process.
std::optional<std::string> why_unsupported(CpuTier tier);

// The same, but only if the processor offers the tier and the system refuses it: what a user could mend.
std::optional<std::string> why_refused(CpuTier tier);

// The last tier that this machine can run, if any.
std::optional<CpuTier> best_cpu_tier();

// Why there is none: what the first one lacks; nothing if there is one.
std::optional<std::string> why_no_cpu_tier();

// What the answers above come from: the words that CPUID and XGETBV give on x86-64, and the
// system on arm64; all zero where there are none.
struct CpuRegisters {
  bool x86_64 = false;           // whether this build is for such a processor
  uint32_t leaf1_ecx = 0;        // CPUID leaf 1
  uint32_t leaf7_ebx = 0;        // CPUID leaf 7, subleaf 0
  uint32_t leaf7_edx = 0;        //
  uint32_t leaf7_1_eax = 0;      // CPUID leaf 7, subleaf 1
  uint64_t xcr0 = 0;             // the states that the system saves when it switches threads
  bool tiles_permitted = false;  // whether the system lets this process use tiles
  bool arm64 = false;            // whether this build is for such a processor
  uint64_t hwcap = 0;            // getauxval(AT_HWCAP)
  uint64_t hwcap2 = 0;           // getauxval(AT_HWCAP2)
};

// The same for a machine with these registers.
std::optional<std::string> why_unsupported(CpuTier tier, const CpuRegisters& registers);
std::optional<std::string> why_refused(CpuTier tier, const CpuRegisters& registers);

}  // namespace sizeup
