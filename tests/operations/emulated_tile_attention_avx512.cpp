// Each of these builds on the ones before.
// clang-format off
#include "tests/operations/emulated_tile_attention.h"
#include "backends/cpu/vector_avx512.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/tile_pages.inl"
#include "tests/support/tiles_emulated.h"
#include "backends/cpu/tile_weights_avx512.inl"
#include "backends/cpu/tile_attention.inl"
// clang-format on

namespace sizeup::cpu {

constinit const AttentionFamily kEmulatedTileAttentionAvx512 = tile_attention("emulated tiles avx512");

}  // namespace sizeup::cpu
