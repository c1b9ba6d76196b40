#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/attention_lanes.cuh"
#include "backends/cuda/check.h"
#include "core/errors/result.h"

namespace sizeup::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * static_cast<int>(kWarp);
constexpr int kWarpLanes = kPlainLanes / kWarps;  // share the keys and values that a warp loads
constexpr int kKeysEach = kPagePositions / static_cast<int>(kWarp);
static_assert(kWarpLanes == 4, "a key's weights are a float4");

__device__ float to_float(float x) {
  return x;
}
__device__ float to_float(__nv_bfloat16 x) {
  return __bfloat162float(x);
}

// As precise as keys.
template <typename Element>
__device__ float as_precise(float x) {
  return to_float(static_cast<Element>(x));
}

// Outputs: a thread has columns thread, thread + 32, ...
template <int kColumns>
struct State {
  float level = -INFINITY;
  float sum = 0.0F;
  float out[kColumns] = {};

  __device__ void fold(const State& chunk) {
    const Fold fold(level, chunk.level);
    level = fold.level;
    sum = folded(sum, fold.before, chunk.sum, fold.chunk);
#pragma unroll
    for (int c = 0; c < kColumns; ++c) out[c] = folded(out[c], fold.before, chunk.out[c], fold.chunk);
  }
  __device__ void store(const AttentionWork& work, int slot, int head, int thread) const {
    float* state = state_of(work, slot, head);
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = thread + c * static_cast<int>(kWarp);
      if (column < work.head_size) state[column] = out[c];
    }
    if (thread == 0) write_level_and_sum(work, state, level, sum);
  }
};

__device__ float sum_of_warp(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value = __fadd_rn(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}
__device__ float greatest_of_warp(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

constexpr int kPieceColumns = 4;
constexpr int kSlicePieces = 8;
constexpr int kSliceColumns = kSlicePieces * kPieceColumns;
static_assert(kSliceColumns == kWarp, "a thread has one column of a slice of values");

__device__ float4 four_of(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
__device__ float4 four_of(const __nv_bfloat16* from) {
  return make_float4(to_float(from[0]), to_float(from[1]), to_float(from[2]), to_float(from[3]));
}

// Some columns of a page's keys or values in shared memory, which all warps read. Pieces are swizzled, so
// that eight threads that take the same piece of neighbouring keys take every bank.
struct Slice {
  float4 pieces[kPagePositions][kSlicePieces];

  __device__ const float4& piece(int offset, int index) const {
    return pieces[offset][index ^ offset % kSlicePieces];
  }
  __device__ float value(int offset, int column) const {
    return reinterpret_cast<const float*>(&piece(offset, column / kPieceColumns))[column % kPieceColumns];
  }

  // Once all warps are done with what it held.
  template <typename Element>
  __device__ void load(const PageShape& shape, const Element* half, int first_column) {
    constexpr int kPiecesEach = kPagePositions * kSlicePieces / kThreads;
    const int index = static_cast<int>(threadIdx.x) % kSlicePieces;
    const int column = first_column + index * kPieceColumns;
    float4 loaded[kPiecesEach];
#pragma unroll
    for (int i = 0; i < kPiecesEach; ++i) {
      const int offset = static_cast<int>(threadIdx.x) / kSlicePieces + i * (kThreads / kSlicePieces);
      loaded[i] = column < shape.pitch ? four_of(half + shape.element(offset, column))
                                       : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kPiecesEach; ++i) {
      const int offset = static_cast<int>(threadIdx.x) / kSlicePieces + i * (kThreads / kSlicePieces);
      pieces[offset][index ^ offset % kSlicePieces] = loaded[i];
    }
    __syncthreads();
  }
};

__host__ __device__ constexpr int query_pitch_of(const PageShape& shape) {
  return (shape.pitch + kSliceColumns - 1) / kSliceColumns * kSliceColumns;
}

// One warp's lanes over one page.
template <typename Element, int kColumns>
struct PageVisit {
  const AttentionWork& work;
  const Element* keys;
  Slice& slice;
  const float* queries;  // [kWarpLanes][query_pitch]
  int query_pitch;
  float4* weights;  // [kPagePositions]
  int begin;        // position of the first key
  int thread;

  // Every thread has the scores of keys thread and thread + 32.
  __device__ void scores(float (&score)[kWarpLanes][kKeysEach]) const {
    for (int column = 0; column < work.memory.shape.pitch; column += kSliceColumns) {
      slice.load(work.memory.shape, keys, column);
      add_products(column, score);
    }
  }
  __device__ void add_products(int first_column, float (&score)[kWarpLanes][kKeysEach]) const {
#pragma unroll
    for (int piece = 0; piece < kSlicePieces; ++piece) {
      float4 key[kKeysEach];
#pragma unroll
      for (int k = 0; k < kKeysEach; ++k) {
        const int offset = thread + k * static_cast<int>(kWarp);
        key[k] = slice.piece(offset, piece);
      }
#pragma unroll
      for (int q = 0; q < kWarpLanes; ++q) {
        const float4 query = *reinterpret_cast<const float4*>(queries + q * query_pitch + first_column +
                                                              piece * kPieceColumns);
#pragma unroll
        for (int k = 0; k < kKeysEach; ++k) {
          float sum = __fmaf_rn(query.x, key[k].x, score[q][k]);
          sum = __fmaf_rn(query.y, key[k].y, sum);
          sum = __fmaf_rn(query.z, key[k].z, sum);
          score[q][k] = __fmaf_rn(query.w, key[k].w, sum);
        }
      }
    }
  }

  // What lane q makes of its scores: the state's level and sum, and the page's weights.
  __device__ void weigh(const Lane& lane, int q, const float (&score)[kKeysEach],
                        State<kColumns>& state) const {
    float scaled[kKeysEach];
    float greatest = -INFINITY;
#pragma unroll
    for (int k = 0; k < kKeysEach; ++k) {
      const int offset = thread + k * static_cast<int>(kWarp);
      scaled[k] = lane.sees(begin + offset) ? score_of(work, score[k]) : -INFINITY;
      greatest = fmaxf(greatest, scaled[k]);
    }
    const float level = fmaxf(state.level, ceilf(greatest_of_warp(greatest)));
    const float factor = level_factor(state.level, level);
    float sum = 0.0F;
#pragma unroll
    for (int k = 0; k < kKeysEach; ++k) {
      const float weight = exp2f(level_exponent(scaled[k], level));
      reinterpret_cast<float*>(weights + thread + k * static_cast<int>(kWarp))[q] = weight;
      sum = __fadd_rn(sum, weight);
    }
    state.level = level;
    state.sum = __fmaf_rn(state.sum, factor, sum_of_warp(sum));
#pragma unroll
    for (int c = 0; c < kColumns; ++c) state.out[c] = __fmul_rn(state.out[c], factor);
  }

  // Values that a lane does not see may be anything.
  __device__ void add_values(const Lane (&lanes)[kWarpLanes], State<kColumns> (&states)[kWarpLanes]) const {
    const PageShape& shape = work.memory.shape;
    int from = kPagePositions;
    int to = 0;
#pragma unroll
    for (const Lane& lane : lanes) {
      if (!lane.sees_of(begin, begin + kPagePositions)) continue;
      from = min(from, max(lane.from - begin, 0));
      to = max(to, min(lane.to - begin, kPagePositions));
    }
    bool all_see = true;
#pragma unroll
    for (const Lane& lane : lanes) all_see &= lane.from <= begin + from && begin + to <= lane.to;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      if (c * kSliceColumns >= shape.pitch) break;
      slice.load(shape, keys + kPagePositions * shape.pitch, c * kSliceColumns);
      float out[kWarpLanes];
#pragma unroll
      for (int q = 0; q < kWarpLanes; ++q) out[q] = states[q].out[c];
      if (all_see) {
#pragma unroll 8
        for (int offset = from; offset < to; ++offset) add_value(lanes, offset, true, out);
      } else {
        for (int offset = from; offset < to; ++offset) add_value(lanes, offset, false, out);
      }
#pragma unroll
      for (int q = 0; q < kWarpLanes; ++q) states[q].out[c] = out[q];
    }
  }
  __device__ void add_value(const Lane (&lanes)[kWarpLanes], int offset, bool all_see,
                            float (&out)[kWarpLanes]) const {
    const float4 weight = weights[offset];
    const float weight_of[kWarpLanes] = {weight.x, weight.y, weight.z, weight.w};
    const float value = slice.value(offset, thread);
#pragma unroll
    for (int q = 0; q < kWarpLanes; ++q) {
      if (all_see || lanes[q].sees(begin + offset)) out[q] = __fmaf_rn(weight_of[q], value, out[q]);
    }
  }
};

template <typename Element>
__device__ void load_queries(const AttentionWork& work, const AttentionItem& item, int kv_head, int group,
                             float* queries) {
  const int pitch = query_pitch_of(work.memory.shape);
  for (int i = static_cast<int>(threadIdx.x); i < kPlainLanes * pitch; i += kThreads) {
    const Lane lane(work, item, i / pitch, kv_head, group);
    const int column = i % pitch;
    const bool is_there = lane.exists() && column < work.head_size;
    queries[i] = is_there ? as_precise<Element>(lane.query(work)[column]) : 0.0F;
  }
}

template <int kColumns>
__device__ void write_outputs(const AttentionWork& work, const Lane& lane, const State<kColumns>& state,
                              int thread) {
  const Ending ending(work, lane.head, state.level, state.sum);
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int column = thread + c * static_cast<int>(kWarp);
    if (column < work.head_size) {
      write_output(work, lane.row, lane.head * work.head_size + column, ending.output(state.out[c]));
    }
  }
}

// Columns: of a head, for each thread of a warp.
template <typename Element, int kColumns>
__global__ void __launch_bounds__(kThreads) plain_attention(AttentionWork work) {
  extern __shared__ __align__(16) float queries[];  // [kPlainLanes][query_pitch]
  __shared__ Slice slice;
  __shared__ float4 weights[kWarps][kPagePositions];
  const PageShape& shape = work.memory.shape;
  const int query_pitch = query_pitch_of(shape);
  const AttentionItem item = work.plan.items[blockIdx.x];
  const int kv_head = static_cast<int>(blockIdx.y);
  const int group = work.heads / shape.kv_heads;
  const int warp = static_cast<int>(threadIdx.x / kWarp);
  const int thread = static_cast<int>(threadIdx.x % kWarp);
  load_queries<Element>(work, item, kv_head, group, queries);

  Lane lanes[kWarpLanes];
#pragma unroll
  for (int q = 0; q < kWarpLanes; ++q) lanes[q] = Lane(work, item, warp * kWarpLanes + q, kv_head, group);
  State<kColumns> chunk[kWarpLanes];
  State<kColumns> total[kWarpLanes];
  for (int i = 0; i < item.pages; ++i) {
    const int page_index = item.first_page + i;
    const std::byte* page = work.memory.first +
                            static_cast<size_t>(work.pages[item.page_begin + i]) * work.memory.page_bytes +
                            2 * static_cast<size_t>(kv_head) * shape.half_bytes();
    const PageVisit<Element, kColumns> visit{work,
                                             reinterpret_cast<const Element*>(page),
                                             slice,
                                             queries + warp * kWarpLanes * query_pitch,
                                             query_pitch,
                                             weights[warp],
                                             page_index * kPagePositions,
                                             thread};
    float score[kWarpLanes][kKeysEach] = {};
    visit.scores(score);
#pragma unroll
    for (int q = 0; q < kWarpLanes; ++q) visit.weigh(lanes[q], q, score[q], chunk[q]);
    __syncwarp();
    visit.add_values(lanes, chunk);
    __syncwarp();
    if ((page_index + 1) % kChunkPages != 0 && i + 1 < item.pages) continue;
#pragma unroll
    for (int q = 0; q < kWarpLanes; ++q) {
      if (item.result != ItemResult::chunks) {
        total[q].fold(chunk[q]);
      } else if (has_chunk(lanes[q], chunk_of_page(page_index))) {
        const int slot = state_slot(work.plan.states[lanes[q].row], chunk_of_page(page_index));
        chunk[q].store(work, slot, lanes[q].head, thread);
      }
      chunk[q] = {};
    }
  }
#pragma unroll
  for (int q = 0; q < kWarpLanes; ++q) {
    if (!lanes[q].exists()) continue;
    if (item.result == ItemResult::output) write_outputs(work, lanes[q], total[q], thread);
    if (item.result == ItemResult::folded) {
      total[q].store(work, work.plan.states[lanes[q].row].first_slot, lanes[q].head, thread);
    }
  }
}

template <typename Element, int kColumns>
void launch(const AttentionWork& work, cudaStream_t stream) {
  const size_t shared = sizeof(float) * kPlainLanes * static_cast<size_t>(query_pitch_of(work.memory.shape));
  const dim3 grid(static_cast<unsigned>(work.plan.parts.narrow_items),
                  static_cast<unsigned>(work.memory.shape.kv_heads));
  plain_attention<Element, kColumns><<<grid, kThreads, shared, stream>>>(work);
  check(cudaGetLastError());
}

}  // namespace

void attend_plainly(const AttentionWork& work, cudaStream_t stream) {
  const bool rounded = work.memory.shape.element_bytes == 2;
  if (work.head_size > kGreatestHead) throw InternalError("a head is greater than attention's kernels");
  if (rounded) {
    launch<__nv_bfloat16, 16>(work, stream);
  } else if (work.head_size <= 64) {
    launch<float, 2>(work, stream);
  } else if (work.head_size <= 128) {
    launch<float, 4>(work, stream);
  } else if (work.head_size <= 256) {
    launch<float, 8>(work, stream);
  } else {
    launch<float, 16>(work, stream);
  }
}

}  // namespace sizeup::cuda
