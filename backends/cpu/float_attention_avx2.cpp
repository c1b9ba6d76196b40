// The order of includes matters: each builds on the ones before.
// clang-format off
#include "backends/cpu/float_attention.h"
#include "backends/cpu/vector_avx2.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/float_pages.inl"
// clang-format on

namespace {
// A vector of lanes is two of 16 registers. One tile and six rows leave 12 for sums, of which two pipes with
// a latency of 4 need 8; four rows were slower by up to a tenth.
constexpr int kSideTiles = 1;
constexpr int kProductRows[] = {0, 6};
constexpr int kLoneSums = 4;
}  // namespace

// clang-format off
#include "backends/cpu/lone_row.inl"
#include "backends/cpu/float_attention.inl"
// clang-format on

namespace sizeup::cpu {

constinit const AttentionFamily kFloatPagesAvx2 = float_attention<float>("avx2 float32");
constinit const AttentionFamily kBfloatPagesAvx2 = float_attention<BfloatElement>("avx2 bfloat16");

}  // namespace sizeup::cpu
