// In place of kernels.cpp where the program is built for arm64.
#include "backends/cpu/families.h"
#include "backends/cpu/family_choice.h"
#include "backends/cpu/float_attention.h"
#include "backends/cpu/kernels.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

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
                    .product = floats_only<kFloatsNeon>,
                    .attention = by_precision<kFloatPagesNeon, kBfloatPagesNeon>};

const Kernels kNeonBf16{.tier = "neon_bf16",
                        .fast_precision = Precision::bfloat16,
                        .weight_rows = kWeightRowsBf16,
                        .rows = kRowsNeon,
                        .delta = kDeltaNeon,
                        .product = bfloat_products,
                        .attention = by_precision<kFloatPagesNeon, kBfloatPagesNeon>};

}  // namespace

const Kernels& kernels_of(CpuTier tier) {
  require(tier == CpuTier::neon || tier == CpuTier::neon_bf16, "a tier of arm64 is asked for");
  return tier == CpuTier::neon ? kNeon : kNeonBf16;
}

}  // namespace sizeup::cpu
