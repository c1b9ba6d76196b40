// The order of includes matters: each builds on the ones before.
// clang-format off
#include "backends/cpu/float_attention.h"
#include "backends/cpu/vector_neon.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/float_pages.inl"
// clang-format on

namespace {
// The shapes of avx2, whose order of sums they share. A vector of lanes is four of 32 registers: one tile and
// six rows take 24 for sums. Not measured.
constexpr int kSideTiles = 1;
constexpr int kProductRows[] = {0, 6};
constexpr int kLoneSums = 4;
}  // namespace

// clang-format off
#include "backends/cpu/lone_row.inl"
#include "backends/cpu/float_attention.inl"
// clang-format on

namespace sizeup::cpu {

constinit const AttentionFamily kFloatPagesNeon = float_attention<float>("neon float32");
constinit const AttentionFamily kBfloatPagesNeon = float_attention<BfloatElement>("neon bfloat16");

}  // namespace sizeup::cpu
