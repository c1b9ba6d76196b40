// The order of includes matters: each builds on the ones before.
// clang-format off
#include "backends/cpu/float_attention.h"
#include "backends/cpu/vector_avx512.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/attention_lanes.inl"
#include "backends/cpu/float_pages.inl"
// clang-format on

namespace {
// 16 of 32 registers are sums: two pipes with a latency of 4 need 8, and every broadcast serves two tiles. 24
// of them (12 rows) were slower, since 12 does not divide a page.
constexpr int kSideTiles = 2;
constexpr int kProductRows[] = {0, 16, 8};
constexpr int kLoneSums = 16;
}  // namespace

// clang-format off
#include "backends/cpu/lone_row.inl"
#include "backends/cpu/float_attention.inl"
// clang-format on

namespace sizeup::cpu {

constinit const AttentionFamily kFloatPagesAvx512 = float_attention<float>("avx512 float32");
constinit const AttentionFamily kBfloatPagesAvx512 = float_attention<BfloatElement>("avx512 bfloat16");

}  // namespace sizeup::cpu
