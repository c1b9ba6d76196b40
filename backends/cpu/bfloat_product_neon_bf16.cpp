// The product of bfloat16 pairs with BFMMLA, which adds the product of 2 outputs x 4 inputs and 4 inputs x 2
// rows to 2 x 2 float32 sums (Arm Architecture Reference Manual, C7.2). Weights lie as left tile operands do,
// activations as right ones; 8 outputs x 8 rows stay in registers over a pass of inputs.
// Each include builds on the ones before.
// clang-format off
#include "backends/cpu/families.h"
#include "backends/cpu/tile_product.h"
#include "backends/cpu/vector_neon.h"
#include "backends/cpu/exponential.inl"
#include "backends/cpu/activation.inl"
#include "backends/cpu/operand.inl"
#include "backends/cpu/finish.inl"
// clang-format on

namespace sizeup::cpu {
namespace {

constexpr int kBlockOutputs = 8;  // with 8 rows 16 sums of 2 x 2, of 32 registers
constexpr int kQuadRows = 4;      // rows of a register of pairs
constexpr int kQuadBytes = 16;
constexpr size_t kOutputBytes = 2 * kStepColumns;     // of a step of one output
constexpr size_t kPairRowBytes = 4 * size_t{kLanes};  // of a pair of columns of all rows

// Steps of a pass: its activations (16 rows x 512 inputs: 16 KiB) and the weights of a block stay in the
// first-level cache (32 KiB at least). Not measured.
constexpr int kPassSteps = 16;

// Eight inputs of two outputs, or of two rows: what two instructions multiply.
struct EightInputs {
  bfloat16x8_t first;
  bfloat16x8_t last;
};

inline EightInputs two_outputs(const std::byte* weights) {
  const uint64x2_t even = vld1q_u64(reinterpret_cast<const uint64_t*>(weights));
  const uint64x2_t odd = vld1q_u64(reinterpret_cast<const uint64_t*>(weights + kOutputBytes));
  return {vreinterpretq_bf16_u64(vzip1q_u64(even, odd)), vreinterpretq_bf16_u64(vzip2q_u64(even, odd))};
}

// Rows 0 and 1 of a quad, then 2 and 3.
inline void four_rows(const std::byte* pairs, EightInputs* rows) {
  uint32x4_t columns[4];
  for (size_t p = 0; p < 4; ++p)
    columns[p] = vld1q_u32(reinterpret_cast<const uint32_t*>(pairs + p * kPairRowBytes));
  rows[0] = {vreinterpretq_bf16_u32(vzip1q_u32(columns[0], columns[1])),
             vreinterpretq_bf16_u32(vzip1q_u32(columns[2], columns[3]))};
  rows[1] = {vreinterpretq_bf16_u32(vzip2q_u32(columns[0], columns[1])),
             vreinterpretq_bf16_u32(vzip2q_u32(columns[2], columns[3]))};
}

// The activations of a group of kLanes rows, as pairs.
struct GroupPairs {
  const std::byte* data = nullptr;
  size_t step_bytes = 0;
};

// sums[output][kLanes] += kBlockOutputs outputs x kQuads quads of rows, over `steps` steps.
template <int kQuads>
void multiply_block(const std::byte* weights, const GroupPairs& in, int steps, float* sums) {
  constexpr int kPairs = 2 * kQuads;
  constexpr int kOutputPairs = kBlockOutputs / 2;
  float32x4_t acc[kOutputPairs][kPairs];
  for (int o = 0; o < kOutputPairs; ++o) {
    for (int r = 0; r < kPairs; ++r) {
      const float* place = sums + 2 * o * kLanes + 2 * r;
      acc[o][r] = vcombine_f32(vld1_f32(place), vld1_f32(place + kLanes));
    }
  }
  for (int step = 0; step < steps; ++step) {
    for (size_t eight = 0; eight < kStepColumns / 8; ++eight) {
      EightInputs rows[kPairs];
      for (int q = 0; q < kQuads; ++q)
        four_rows(in.data + static_cast<size_t>(step) * in.step_bytes + 4 * eight * kPairRowBytes +
                      static_cast<size_t>(q * kQuadBytes),
                  rows + 2 * q);
#pragma GCC unroll 4
      for (size_t o = 0; o < kOutputPairs; ++o) {
        const EightInputs left = two_outputs(weights + static_cast<size_t>(step) * kStepWeightBytes +
                                             2 * o * kOutputBytes + 16 * eight);
        for (int r = 0; r < kPairs; ++r)
          acc[o][r] =
              vbfmmlaq_f32(vbfmmlaq_f32(acc[o][r], left.first, rows[r].first), left.last, rows[r].last);
      }
    }
  }
  for (int o = 0; o < kOutputPairs; ++o) {
    for (int r = 0; r < kPairs; ++r) {
      float* place = sums + 2 * o * kLanes + 2 * r;
      vst1_f32(place, vget_low_f32(acc[o][r]));
      vst1_f32(place + kLanes, vget_high_f32(acc[o][r]));
    }
  }
}

// A panel times the first `rows` rows of a group.
void multiply_panel(const std::byte* panel, const GroupPairs& in, int steps, int rows, float* sums) {
  __builtin_memset(sums, 0, sizeof(float) * kTilePanelOutputs * kLanes);
  const int quads = (rows + kQuadRows - 1) / kQuadRows;
  for (int from = 0; from < steps; from += kPassSteps) {
    const int count = steps - from < kPassSteps ? steps - from : kPassSteps;
    const std::byte* weights = panel + static_cast<size_t>(from) * kStepWeightBytes;
    for (int output = 0; output < kTilePanelOutputs; output += kBlockOutputs) {
      for (int quad = 0; quad < quads; quad += 2) {
        const GroupPairs pairs{
            in.data + static_cast<size_t>(from) * in.step_bytes + static_cast<size_t>(quad * kQuadBytes),
            in.step_bytes};
        const std::byte* block = weights + static_cast<size_t>(output) * kOutputBytes;
        float* place = sums + output * kLanes + quad * kQuadRows;
        if (quad + 1 < quads) {
          multiply_block<2>(block, pairs, count, place);
        } else {
          multiply_block<1>(block, pairs, count, place);
        }
      }
    }
  }
}

// Fewer than kLanes rows lie closer: here they get their places, and zeros beside them.
GroupPairs spread_rows(const Operand& in, std::byte* room) {
  const auto width = 4 * static_cast<size_t>(in.width());
  const auto count = static_cast<size_t>(in.columns / 2);
  __builtin_memset(room, 0, count * kPairRowBytes);
  for (size_t pair = 0; pair < count; ++pair)
    __builtin_memcpy(room + pair * kPairRowBytes, in.data + pair * width, width);
  return {room, kStepColumns / 2 * kPairRowBytes};
}

constexpr size_t kSumsBytes = sizeof(float) * kTilePanelOutputs * kLanes;

void multiply_bfloats(const PackedLinear& weights, const Operand& in, const ProductResult& result, int first,
                      int end, std::byte* scratch) {
  auto* sums = reinterpret_cast<float*>(scratch);
  const bool close = in.rows < kLanes;
  const GroupPairs alone = close ? spread_rows(in, scratch + kSumsBytes) : GroupPairs();
  for (int panel = first; panel < end; ++panel) {
    for (int group = 0; group * kLanes < in.rows; ++group) {
      const GroupPairs pairs = close ? alone : GroupPairs{in.pair_at(group, 0, 0), in.step_bytes()};
      const int rows = in.rows - group * kLanes;
      multiply_panel(weights.panel(panel), pairs, in.steps(), rows < kLanes ? rows : kLanes, sums);
      finish(weights, result, group, panel, sums);
    }
  }
}

size_t scratch_bytes(const PackedLinear& weights) {
  return kSumsBytes + static_cast<size_t>(weights.padded_inputs / 2) * kPairRowBytes;
}

}  // namespace

const ProductFamily kBfloatsNeon{.name = "neon_bf16 bfloat16",
                                 .operand = OperandFormat::pairs,
                                 .layout = WeightLayout::tiles,
                                 .panel_outputs = kTilePanelOutputs,
                                 .multiply = multiply_bfloats,
                                 .scratch_bytes = scratch_bytes};

}  // namespace sizeup::cpu
