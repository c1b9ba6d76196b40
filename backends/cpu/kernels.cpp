#include "backends/cpu/kernels.h"

#include <array>

#include "backends/cpu/families.h"
#include "backends/cpu/family_choice.h"
#include "backends/cpu/float_attention.h"
#include "backends/cpu/tile_attention.h"
#include "backends/cpu/tile_product.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// Rows that cost as much as reading the weights: measured with a small model, which the caches hold; with one
// that memory holds, three times as many do (docs/performance.md). Too few forgo little, too many lose.
constexpr int kWeightRowsAvx512 = 4;
constexpr int kWeightRowsAvx2 = 2;  // half the arithmetic
constexpr int kWeightRowsAmx = 8;   // not measured: half a tile

// Bfloat16 products are no faster than float32 ones without tiles: it only halves the memory there.
const Kernels kAvx2{.tier = "avx2",
                    .fast_precision = Precision::float32,
                    .weight_rows = kWeightRowsAvx2,
                    .rows = kRowsAvx2,
                    .delta = kDeltaAvx2,
                    .product = floats_only<kFloatsAvx2>,
                    .attention = by_precision<kFloatPagesAvx2, kBfloatPagesAvx2>};

const Kernels kAvx512{.tier = "avx512",
                      .fast_precision = Precision::float32,
                      .weight_rows = kWeightRowsAvx512,
                      .rows = kRowsAvx512,
                      .delta = kDeltaAvx512,
                      .product = floats_only<kFloatsAvx512>,
                      .attention = by_precision<kFloatPagesAvx512, kBfloatPagesAvx512>};

// Float32 activations of bfloat16 weights are split in three; other weights would have to be split, too, and
// go through float32 instead.
const ProductFamily& amx_products(Precision precision, bool bfloat_weights) {
  if (precision == Precision::bfloat16) return kTilesAmx;
  return bfloat_weights ? kSplitTilesAmx : kFloatsAvx512;
}

std::span<const AttentionFamily* const> amx_attention(Precision precision) {
  static constexpr std::array kFull{&kFloatPagesAvx512};
  static constexpr std::array kHalf{&kTileAttentionAmx, &kBfloatPagesAvx512};
  return precision == Precision::float32 ? std::span<const AttentionFamily* const>(kFull) : kHalf;
}

const Kernels kAmx{.tier = "amx",
                   .fast_precision = Precision::bfloat16,
                   .weight_rows = kWeightRowsAmx,
                   .rows = kRowsAvx512,
                   .delta = kDeltaAvx512,
                   .product = amx_products,
                   .attention = amx_attention};

}  // namespace

const Kernels& kernels_of(CpuTier tier) {
  switch (tier) {
    case CpuTier::avx2:
      return kAvx2;
    case CpuTier::avx512:
      return kAvx512;
    case CpuTier::amx:
      return kAmx;
    case CpuTier::neon:
    case CpuTier::neon_bf16:
      break;
  }
  throw InternalError("a tier has kernels");
}

}  // namespace sizeup::cpu
