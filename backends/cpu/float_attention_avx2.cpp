// The order of includes matters: each builds on the ones before.
// clang-format off
#include "backends/cpu/float_attention.h"
#include "backends/cpu/vector_avx2.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
// clang-format on

namespace {
// Registers are two of AVX2 for each tile: one tile and four rows leave 8 of 16 for sums, as many as two
// pipes with a latency of 4 need.
constexpr int kSideTiles = 1;
constexpr int kProductRows[] = {0, 4};
}  // namespace
#include "backends/cpu/float_attention.inl"

namespace sizeup::cpu {

constinit const AttentionFamily kFloatPagesAvx2 = float_attention<float>("avx2 float32");
constinit const AttentionFamily kBfloatPagesAvx2 = float_attention<BfloatElement>("avx2 bfloat16");

}  // namespace sizeup::cpu
