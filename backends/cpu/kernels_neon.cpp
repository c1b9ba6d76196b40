// In place of kernels.cpp where the program is built for arm64.
#include <array>

#include "backends/cpu/families.h"
#include "backends/cpu/float_attention.h"
#include "backends/cpu/kernels.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

const ProductFamily& neon_products(Precision, bool) {
  return kFloatsNeon;
}

std::span<const AttentionFamily* const> neon_attention(Precision precision) {
  static constexpr std::array kFull{&kFloatPagesNeon};
  static constexpr std::array kHalf{&kBfloatPagesNeon};
  return precision == Precision::float32 ? kFull : kHalf;
}

// Blocks would have to become tiles first, which nobody has written: such models compute in float32.
const ProductFamily& bfloat_products(Precision precision, bool bfloat_weights) {
  return precision == Precision::bfloat16 && bfloat_weights ? kBfloatsNeon : kFloatsNeon;
}

constexpr int kWeightRows = 2;      // as for avx2; not measured
constexpr int kWeightRowsBf16 = 8;  // four times the arithmetic; not measured

const Kernels kNeon{.tier = "neon",
                    .fast_precision = Precision::float32,
                    .weight_rows = kWeightRows,
                    .rows = kRowsNeon,
                    .delta = kDeltaNeon,
                    .product = neon_products,
                    .attention = neon_attention};

const Kernels kNeonBf16{.tier = "neon_bf16",
                        .fast_precision = Precision::bfloat16,
                        .weight_rows = kWeightRowsBf16,
                        .rows = kRowsNeon,
                        .delta = kDeltaNeon,
                        .product = bfloat_products,
                        .attention = neon_attention};

}  // namespace

const Kernels& kernels_of(CpuTier tier) {
  require(tier == CpuTier::neon || tier == CpuTier::neon_bf16, "a tier of arm64 is asked for");
  return tier == CpuTier::neon ? kNeon : kNeonBf16;
}

}  // namespace sizeup::cpu
