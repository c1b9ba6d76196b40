// Each of these builds on the ones before.
// clang-format off
#include "backends/cpu/tile_attention.h"
#include "backends/cpu/vector_avx512.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/tile_pages.inl"
#include "backends/cpu/tiles_amx.h"
#include "backends/cpu/tile_weights_avx512.inl"
#include "backends/cpu/tile_attention.inl"
// clang-format on

namespace sizeup::cpu {

constinit const AttentionFamily kTileAttentionAmx = tile_attention("amx bfloat16");

}  // namespace sizeup::cpu
