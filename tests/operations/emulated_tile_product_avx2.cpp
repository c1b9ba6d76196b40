// Each of these builds on the ones before.
// clang-format off
#include "tests/operations/emulated_tile_product.h"
#include "backends/cpu/vector_avx2.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/finish.inl"
#include "tests/support/tiles_emulated.h"
#include "tests/support/tile_unpack_plain.h"
#include "backends/cpu/tile_product.inl"
// clang-format on

namespace sizeup::cpu {
namespace {

void multiply(int parts, const PackedLinear& weights, const Operand& in, const ProductResult& result,
              int first_panel, int end_panel, const TileBlocking& blocking, std::byte* scratch) {
  if (parts == 1) {
    multiply_tiles<1>(weights, in, result, first_panel, end_panel, blocking, scratch);
  } else {
    multiply_tiles<kSplitParts>(weights, in, result, first_panel, end_panel, blocking, scratch);
  }
}

}  // namespace

constinit const EmulatedTileProduct kEmulatedTileProductAvx2{
    .multiply = multiply, .scratch_bytes = tiles_scratch_bytes, .unpack = unpack_tiles};

}  // namespace sizeup::cpu
