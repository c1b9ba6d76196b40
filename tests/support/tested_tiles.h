// The ways in which tests run tile kernels.
#pragma once

#include <optional>
#include <string>

#include "backends/cpu/tier.h"

namespace sizeup::cpu {

// Emulated tiles with the lanes of AVX2, with those of AVX-512 (which the kernels have on machines with AMX),
// and the instructions.
enum class Tiles { emulated_avx2, emulated_avx512, instructions };

// Why this machine cannot run them.
inline std::optional<std::string> why_unsupported(Tiles tiles) {
  switch (tiles) {
    case Tiles::emulated_avx2:
      return why_unsupported(CpuTier::avx2);
    case Tiles::emulated_avx512:
      if (__builtin_cpu_supports("avx512bf16") == 0) return "the processor does not offer AVX512-BF16";
      return why_unsupported(CpuTier::avx512);
    case Tiles::instructions:
      return why_unsupported(CpuTier::amx);
  }
  return "no such tiles";
}

inline std::string tiles_name(Tiles tiles) {
  if (tiles == Tiles::instructions) return "Instructions";
  return tiles == Tiles::emulated_avx2 ? "EmulatedAvx2" : "EmulatedAvx512";
}

}  // namespace sizeup::cpu
