// Each of these builds on the ones before.
// clang-format off
#include "backends/cpu/packed_fields.h"
#include "backends/cpu/tile_product.h"
#include "backends/cpu/vector_avx512.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/finish.inl"
#include "backends/cpu/tiles_amx.h"
#include "backends/cpu/block_levels.inl"
#include "backends/cpu/tile_unpack_avx512.inl"
#include "backends/cpu/tile_product.inl"
// clang-format on

namespace sizeup::cpu {
namespace {

constexpr TileBlocking kBlocking;
// Three parts of the activations share the first-level cache, so a pass is shorter: passes of 4, 8 and 16
// steps gave 1.20, 1.03 and 1.07 TFLOP/s.
constexpr TileBlocking kSplitBlocking{.pass_steps = 4};

template <int kParts, const TileBlocking& kChoice>
void multiply(const PackedLinear& weights, const Operand& in, const ProductResult& result, int first, int end,
              std::byte* scratch) {
  multiply_tiles<kParts>(weights, in, result, first, end, kChoice, scratch);
}

template <const TileBlocking& kChoice>
size_t scratch_bytes(const PackedLinear& weights) {
  return tiles_scratch_bytes(weights, kChoice);
}

}  // namespace

constinit const ProductFamily kTilesAmx{.name = "amx bfloat16",
                                        .operand = OperandFormat::pairs,
                                        .layout = WeightLayout::tiles,
                                        .panel_outputs = kTilePanelOutputs,
                                        .multiply = multiply<1, kBlocking>,
                                        .scratch_bytes = scratch_bytes<kBlocking>};

constinit const ProductFamily kSplitTilesAmx{.name = "amx split float32",
                                             .operand = OperandFormat::split_pairs,
                                             .layout = WeightLayout::tiles,
                                             .panel_outputs = kTilePanelOutputs,
                                             .multiply = multiply<kSplitParts, kSplitBlocking>,
                                             .scratch_bytes = scratch_bytes<kSplitBlocking>};

}  // namespace sizeup::cpu
