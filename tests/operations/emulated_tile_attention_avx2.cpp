// Each of these builds on the ones before.
// clang-format off
#include "tests/operations/emulated_tile_attention.h"
#include "backends/cpu/vector_avx2.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/tile_pages.inl"
#include "tests/support/tiles_emulated.h"
// clang-format on

namespace {

inline void store_weights(void* p, Lanes even, Lanes odd) {
  store_bfloat_pairs(p, even, odd, kLanes);
}

}  // namespace
#include "backends/cpu/tile_attention.inl"

namespace sizeup::cpu {

constinit const AttentionFamily kEmulatedTileAttentionAvx2 = tile_attention("emulated tiles avx2");

}  // namespace sizeup::cpu
