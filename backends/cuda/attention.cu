#include "backends/cuda/attention.h"

#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/attention_lanes.cuh"
#include "backends/cuda/check.h"
#include "backends/cuda/dependent_launch.cuh"
#include "backends/cuda/head_sizes.h"

namespace sizeup::cuda {
namespace {

constexpr int kMergeThreads = 256;

// A thread for each column of each head of a row.
__global__ void __launch_bounds__(kMergeThreads) merge_states(AttentionWork work) {
  let_next_kernel_begin();
  await_earlier_kernels();
  const int index = static_cast<int>(blockIdx.y * kMergeThreads + threadIdx.x);
  if (index >= work.heads * work.head_size) return;
  const int head = index / work.head_size;
  const int column = index % work.head_size;
  const int row = work.plan.merged_rows[blockIdx.x];
  const RowStates states = work.plan.states[row];
  float level = -INFINITY;
  float sum = 0.0F;
  float out = 0.0F;
  for (int slot = 0; slot < states.slots; ++slot) {
    const float* state = state_of(work, states.first_slot + slot, head);
    const float2 level_and_sum = *reinterpret_cast<const float2*>(state + state_columns(work.head_size));
    const Fold fold(level, level_and_sum.x);
    level = fold.level;
    sum = folded(sum, fold.before, level_and_sum.y, fold.chunk);
    out = folded(out, fold.before, state[column], fold.chunk);
  }
  write_output(work, row, index, Ending(work, head, level, sum).output(out));
}

}  // namespace

PlanShape plan_shape(const AttentionSpec& spec, Precision precision) {
  PlanShape shape{.heads = spec.heads, .kv_heads = spec.kv_heads, .window = spec.window};
  if (precision == Precision::float32 || !has_tile_kernel(spec.head_size)) {
    shape.narrow_lanes = shape.wide_lanes = kPlainLanes;
  } else {
    shape.narrow_lanes = kNarrowTileLanes;
    shape.wide_lanes = kWideTileLanes;
  }
  return shape;
}

size_t state_bytes(const AttentionSpec& spec, int64_t slots) {
  return sizeof(float) * static_cast<size_t>(slots) * static_cast<size_t>(spec.heads) *
         static_cast<size_t>(state_floats(spec.head_size));
}

void attend(const AttentionWork& work, cudaStream_t stream) {
  if (work.memory.shape.element_bytes == 4 || !has_tile_kernel(work.head_size)) {
    attend_plainly(work, stream);
  } else if (work.head_size <= 64) {
    attend_short_tiles(work, stream);
  } else if (work.head_size <= kLongHead) {
    attend_medium_tiles(work, stream);
  } else {
    attend_long_tiles(work, stream);
  }
  if (work.plan.parts.merged_rows == 0) return;
  const int columns = work.heads * work.head_size;
  const dim3 grid(static_cast<unsigned>(work.plan.parts.merged_rows),
                  static_cast<unsigned>((columns + kMergeThreads - 1) / kMergeThreads));
  launch_early(merge_states, {.grid = grid, .block = kMergeThreads}, stream, work);
}

}  // namespace sizeup::cuda
