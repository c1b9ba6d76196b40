#include "tests/operations/emulated_amx.h"

#include <array>

#include "backends/cpu/families.h"
#include "backends/cpu/float_attention.h"
#include "tests/operations/emulated_tile_attention.h"
#include "tests/operations/emulated_tile_product.h"

namespace sizeup::cpu {
namespace {

// Blocks so small that the test's little models have several of them.
constexpr TileBlocking kBlocking{.block_bytes = 8192, .block_steps = 2, .pass_steps = 1, .waiting_groups = 2};

template <int kParts>
void multiply(const PackedLinear& weights, const Operand& in, const ProductResult& result, int first, int end,
              std::byte* scratch) {
  kEmulatedTileProductAvx2.multiply(kParts, weights, in, result, first, end, kBlocking, scratch);
}

size_t scratch_bytes(const PackedLinear& weights) {
  return kEmulatedTileProductAvx2.scratch_bytes(weights, kBlocking);
}

const ProductFamily kTiles{.name = "emulated bfloat16",
                           .operand = OperandFormat::pairs,
                           .layout = WeightLayout::tiles,
                           .panel_outputs = kTilePanelOutputs,
                           .multiply = multiply<1>,
                           .scratch_bytes = scratch_bytes};
const ProductFamily kSplitTiles{.name = "emulated split float32",
                                .operand = OperandFormat::split_pairs,
                                .layout = WeightLayout::tiles,
                                .panel_outputs = kTilePanelOutputs,
                                .multiply = multiply<kSplitParts>,
                                .scratch_bytes = scratch_bytes};

const ProductFamily& products(Precision precision, bool bfloat_weights) {
  if (precision == Precision::bfloat16) return kTiles;
  return bfloat_weights ? kSplitTiles : kFloatsAvx2;
}

std::span<const AttentionFamily* const> attention(Precision precision) {
  static constexpr std::array kFull{&kFloatPagesAvx2};
  static constexpr std::array kHalf{&kEmulatedTileAttentionAvx2, &kBfloatPagesAvx2};
  return precision == Precision::float32 ? std::span<const AttentionFamily* const>(kFull) : kHalf;
}

}  // namespace

const Kernels& emulated_amx() {
  static const Kernels kernels{.tier = "amx with emulated tiles",
                               .fast_precision = Precision::bfloat16,
                               .rows = kRowsAvx2,
                               .delta = kDeltaAvx2,
                               .product = products,
                               .attention = attention};
  return kernels;
}

}  // namespace sizeup::cpu
