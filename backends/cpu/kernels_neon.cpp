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

constexpr int kWeightRows = 2;  // as for avx2; not measured

const Kernels kNeon{.tier = "neon",
                    .fast_precision = Precision::float32,
                    .weight_rows = kWeightRows,
                    .rows = kRowsNeon,
                    .delta = kDeltaNeon,
                    .product = neon_products,
                    .attention = neon_attention};

}  // namespace

const Kernels& kernels_of(CpuTier tier) {
  require(tier == CpuTier::neon, "kernels are asked for only where a tier is supported");
  return kNeon;
}

}  // namespace sizeup::cpu
