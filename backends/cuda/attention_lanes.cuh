// What all kernels of attention do with a lane's range, its states and its output.
#pragma once

#include <cuda_bf16.h>

#include "backends/cuda/attention.h"

namespace sizeup::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;
inline constexpr float kLog2E = 1.44269504F;

// Positions [from, to) that a lane sees; none if it is no lane of the item.
struct Range {
  int from = 0;
  int to = 0;

  __device__ bool sees(int position) const { return from <= position && position < to; }
  __device__ bool sees_of(int begin, int end) const { return from < end && begin < to; }
};

// A lane of an item for one key/value head.
struct Lane : Range {
  int row = 0;
  int head = 0;

  Lane() = default;
  __device__ Lane(const AttentionWork& work, const AttentionItem& item, int lane, int kv_head, int group) {
    if (lane >= item.lanes) return;
    row = lane_row(item, lane, group);
    head = kv_head * group + lane_head(item, lane, group);
    const int position = work.positions[row];
    from = first_seen(position, work.window);
    to = position + 1;
  }
  __device__ bool exists() const { return to > 0; }
  __device__ const float* query(const AttentionWork& work) const {
    return work.queries + static_cast<size_t>(row) * work.query_stride +
           static_cast<size_t>(head) * work.head_size;
  }
};

// s log2(e) from query * key.
__device__ inline float score_of(const AttentionWork& work, float product) {
  if (work.score_cap == 0.0F) return __fmul_rn(product, __fmul_rn(work.scale, kLog2E));
  const float capped =
      __fmul_rn(work.score_cap, tanhf(__fdiv_rn(__fmul_rn(product, work.scale), work.score_cap)));
  return __fmul_rn(capped, kLog2E);
}

// How a state and a chunk after it come to a common level.
struct Fold {
  float level;
  float before;  // factors
  float chunk;

  __device__ Fold(float level_before, float level_of_chunk)
      : level(fmaxf(level_before, level_of_chunk)),
        before(level_factor(level_before, level)),
        chunk(level_factor(level_of_chunk, level)) {}
};

// What makes outputs of a lane's state after its last chunk; a sink joins the sum.
class Ending {
 public:
  __device__ Ending(const AttentionWork& work, int head, float level, float sum) {
    if (work.sinks != nullptr) {
      const float sink = __fmul_rn(work.sinks[head], kLog2E);
      const float reached = fmaxf(level, ceilf(sink));
      factor_ = level_factor(level, reached);
      sum = folded(sum, factor_, level_factor(sink, reached), 1.0F);
    }
    inverse_ = __frcp_rn(sum);
  }
  // What is not finite is no number, whichever way it came about.
  __device__ float output(float value) const {
    const float result = __fmul_rn(__fmul_rn(value, factor_), inverse_);
    return isfinite(result) ? result : NAN;
  }

 private:
  float factor_ = 1.0F;
  float inverse_ = 0.0F;
};

__device__ inline void write_output(const AttentionWork& work, int row, int column, float value) {
  const size_t place = static_cast<size_t>(row) * work.out_stride + column;
  if (work.out != nullptr) {
    work.out[place] = value;
  } else {
    static_cast<__nv_bfloat16*>(work.rounded_out)[place] = __float2bfloat16_rn(value);
  }
}

// Two neighbours; the column is even.
__device__ inline void write_output_pair(const AttentionWork& work, int row, int column, float a, float b) {
  const size_t place = static_cast<size_t>(row) * work.out_stride + column;
  if (work.out != nullptr) {
    *reinterpret_cast<float2*>(work.out + place) = make_float2(a, b);
  } else {
    auto* to = static_cast<__nv_bfloat16*>(work.rounded_out) + place;
    *reinterpret_cast<__nv_bfloat162*>(to) = __floats2bfloat162_rn(a, b);
  }
}

__device__ inline float* state_of(const AttentionWork& work, int slot, int head) {
  return work.states + (static_cast<size_t>(slot) * work.heads + head) * state_floats(work.head_size);
}
// After its outputs.
__device__ inline void write_level_and_sum(const AttentionWork& work, float* state, float level, float sum) {
  *reinterpret_cast<float2*>(state + state_columns(work.head_size)) = make_float2(level, sum);
}

// Whether an item of ItemResult::chunks has a state to write for the lane after this chunk, which may be its
// row's neighbours' alone.
__device__ inline bool has_chunk(const Lane& lane, int chunk) {
  const int begin = chunk * kChunkPages * kPagePositions;
  return lane.exists() && lane.sees_of(begin, begin + kChunkPages * kPagePositions);
}

}  // namespace sizeup::cuda
