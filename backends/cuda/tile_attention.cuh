// Attention with matrix instructions: 16 lanes a warp, or a group of warps that share a head's columns; all
// warps of a block go over the same pages.
#pragma once

#include "backends/cuda/attention_fragments.h"
#include "backends/cuda/matrix_instructions.cuh"
#include "backends/cuda/attention_kernels.h"
#include "backends/cuda/attention_lanes.cuh"
#include "backends/cuda/check.h"
#include "backends/cuda/dependent_launch.cuh"

namespace sizeup::cuda::tiles {

inline constexpr int kWarpLanes = 16;
inline constexpr int kDepth = 16;         // columns, or keys, that an instruction sums over
inline constexpr int kResultColumns = 8;  // of an instruction
inline constexpr int kElements = kPieceBytes / 2;
inline constexpr int kKeyTiles = kPagePositions / kResultColumns;
inline constexpr int kKeySteps = kPagePositions / kDepth;
inline constexpr int kReservedBytes = 128;  // of shared memory, for the item
inline constexpr uint32_t kPairOfOnes = 0x3F803F80;

// kHead: columns in a page. kParts: warps that share 16 lanes; each computes their scores and a part of their
// outputs. kGroups: such groups in a block. kStages: pages in shared memory.
template <int kHeadColumns, int kHeadParts, int kLaneGroups, int kPageStages>
struct Shape {
  static constexpr int kHead = kHeadColumns;
  static constexpr int kParts = kHeadParts;
  static constexpr int kStages = kPageStages;
  static constexpr int kAhead = kStages > 1 ? kStages - 1 : 1;  // pages on their way before one is waited for
  static constexpr int kPieces = kHead / kElements;
  static constexpr int kColumns = kHead / kParts;
  static constexpr int kColumnTiles = kColumns / kResultColumns;
  static constexpr int kLanes = kLaneGroups * kWarpLanes;
  static constexpr int kThreads = kLaneGroups * kParts * static_cast<int>(kWarp);
  static constexpr int kHalfBytes = kPagePositions * kHead * 2;
  static constexpr int kQueryBytes = kLanes * kHead * 2;
  static constexpr int kSharedBytes = kQueryBytes + kStages * 2 * kHalfBytes;
  static_assert(kColumns % kDepth == 0);
  static_assert(kPagePositions * kPieces % kThreads == 0);
  // Registers for so many blocks on a multiprocessor, if they are small.
  static constexpr int kBlocks = kThreads > 128 ? 1 : kHead > 64 ? 2 : 3;
};

// What a thread has of its warp's 16 lanes, result_row() and result_column() of each instruction; of levels
// for two lanes, the first and the one 8 behind.
template <class S>
struct State {
  float level[2] = {-INFINITY, -INFINITY};
  float sum[4] = {};  // as results of an instruction whose columns are all the same
  float out[S::kColumnTiles][4] = {};

  __device__ void rescale(const float (&factor)[2]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sum[i] = __fmul_rn(sum[i], factor[i / 2]);
#pragma unroll
    for (auto& tile : out) {
#pragma unroll
      for (int i = 0; i < 4; ++i) tile[i] = __fmul_rn(tile[i], factor[i / 2]);
    }
  }

  __device__ void fold(const State& chunk) {
    const Fold folds[2] = {{level[0], chunk.level[0]}, {level[1], chunk.level[1]}};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const Fold& fold = folds[i / 2];
      sum[i] = folded(sum[i], fold.before, chunk.sum[i], fold.chunk);
#pragma unroll
      for (int t = 0; t < S::kColumnTiles; ++t) {
        out[t][i] = folded(out[t][i], fold.before, chunk.out[t][i], fold.chunk);
      }
    }
    level[0] = folds[0].level;
    level[1] = folds[1].level;
  }
};

// A block's way over its pages.
template <class S>
class Block {
 public:
  __device__ Block(const AttentionWork& work, const AttentionItem& item, std::byte* shared)
      : work_(work),
        item_(item),
        kv_head_(static_cast<int>(blockIdx.y)),
        thread_(static_cast<int>(threadIdx.x % kWarp)),
        group_(static_cast<int>(threadIdx.x / kWarp) / S::kParts),
        part_(static_cast<int>(threadIdx.x / kWarp) % S::kParts),
        shared_(shared) {
#pragma unroll
    for (int half = 0; half < 2; ++half) seen_[half] = lane_of(half);
  }

  __device__ void run() {
#pragma unroll
    for (int i = 0; i < S::kAhead; ++i) fetch(i);
    load_queries();
    State<S> chunk;
    State<S> total;
    for (int i = 0; i < item_.pages; ++i) {
      await_copies<S::kAhead - 1>();
      const int begin = (item_.first_page + i) * kPagePositions;
      const bool all_see = item_.common_begin <= begin && begin + kPagePositions <= item_.common_end;
      bool finite = true;
      if (all_see) {
        __syncthreads();
      } else {
        finite = __syncthreads_and(values_are_finite(i)) != 0;
      }
      // Where the page before this one was, which all warps are done with.
      if (S::kStages > 1) fetch(i + S::kAhead);
      if (some_lane_sees(begin)) visit(i, begin, all_see, finite, chunk);
      if (S::kStages == 1) {
        __syncthreads();
        fetch(i + 1);
      }
      const int page_index = item_.first_page + i;
      if ((page_index + 1) % kChunkPages != 0 && i + 1 < item_.pages) continue;
      if (item_.result == ItemResult::chunks) {
        store_chunk(chunk, chunk_of_page(page_index));
      } else {
        total.fold(chunk);
      }
      chunk = State<S>();
    }
    if (item_.result == ItemResult::output) write_outputs(total);
    if (item_.result == ItemResult::folded) store_total(total);
  }

 private:
  // The first of this thread's lanes, or that 8 behind. It is made anew where its row is asked for.
  __device__ Lane lane_of(int half) const {
    return Lane(work_, item_, group_ * kWarpLanes + result_row(thread_, 2 * half), kv_head_,
                work_.heads / work_.memory.shape.kv_heads);
  }

  __device__ std::byte* stage(int i) const {
    return shared_ + S::kQueryBytes + i % S::kStages * 2 * S::kHalfBytes;
  }

  // Page i of the item on its way to its stage, of positions that nobody sees zeros: whatever lies there is
  // not read.
  __device__ void fetch(int i) const {
    if (i < item_.pages) {
      constexpr int kStep = S::kThreads * kPieceBytes;
      const int thread = static_cast<int>(threadIdx.x);
      const std::byte* page =
          work_.memory.first +
          static_cast<size_t>(work_.pages[item_.page_begin + i]) * work_.memory.page_bytes +
          static_cast<size_t>(kv_head_) * (2 * S::kHalfBytes) + thread * kPieceBytes;
      const uint32_t to = shared_address(stage(i)) + thread * kPieceBytes;
      const int begin = (item_.first_page + i) * kPagePositions;
      if (item_.key_begin <= begin && begin + kPagePositions <= item_.key_end) {
#pragma unroll
        for (int byte = 0; byte < 2 * S::kHalfBytes; byte += kStep) copy_piece(to + byte, page + byte, true);
      } else {
#pragma unroll 1
        for (int byte = 0; byte < 2 * S::kHalfBytes; byte += kStep) {
          const int position = begin + (byte % S::kHalfBytes / kPieceBytes + thread) / S::kPieces;
          copy_piece(to + byte, page + byte, item_.key_begin <= position && position < item_.key_end);
        }
      }
    }
    commit_copies();
  }

  // Of the values that this thread fetched.
  __device__ bool values_are_finite(int i) const {
    const auto* values = reinterpret_cast<const uint4*>(stage(i) + S::kHalfBytes);
    uint32_t found = 0;
    for (int p = static_cast<int>(threadIdx.x); p < kPagePositions * S::kPieces; p += S::kThreads) {
      const uint4 piece = values[p];
      found |= nonfinite(piece.x) | nonfinite(piece.y) | nonfinite(piece.z) | nonfinite(piece.w);
    }
    return found == 0;
  }

  // Queries, rounded, lie as a page's half; lanes and columns that are not there are 0.
  __device__ void load_queries() const {
    constexpr int kPiecesEach = (S::kLanes * S::kPieces + S::kThreads - 1) / S::kThreads;
    float values[kPiecesEach][kElements];  // all are on their way before the first is waited for
#pragma unroll
    for (int i = 0; i < kPiecesEach; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * S::kThreads;
      load_query(index / S::kPieces, index % S::kPieces * kElements, values[i]);
    }
#pragma unroll
    for (int i = 0; i < kPiecesEach; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * S::kThreads;
      if (index >= S::kLanes * S::kPieces) break;
      const int piece = index % S::kPieces;
      *reinterpret_cast<uint4*>(shared_ +
                                byte_of<S::kPieces>({index / S::kPieces, piece % 2}, 0, piece / 2 * 2)) =
          make_uint4(rounded_pair(values[i][0], values[i][1]), rounded_pair(values[i][2], values[i][3]),
                     rounded_pair(values[i][4], values[i][5]), rounded_pair(values[i][6], values[i][7]));
    }
  }
  __device__ void load_query(int lane, int column, float (&values)[kElements]) const {
    const int heads = work_.heads / work_.memory.shape.kv_heads;
    const int row = lane_row(item_, lane, heads);
    const int head = kv_head_ * heads + lane_head(item_, lane, heads);
    const float* query = work_.queries + static_cast<size_t>(row) * work_.query_stride +
                         static_cast<size_t>(head) * work_.head_size + column;
    const int columns = lane < item_.lanes ? min(work_.head_size - column, kElements) : 0;
    if (columns == kElements && work_.head_size % 4 == 0) {
      *reinterpret_cast<float4*>(values) = *reinterpret_cast<const float4*>(query);
      *reinterpret_cast<float4*>(values + 4) = *reinterpret_cast<const float4*>(query + 4);
      return;
    }
#pragma unroll
    for (int e = 0; e < kElements; ++e) values[e] = e < columns ? query[e] : 0.0F;
  }

  __device__ bool some_lane_sees(int begin) const {
    const int end = begin + kPagePositions;
    return __any_sync(kAllLanes, seen_[0].sees_of(begin, end) || seen_[1].sees_of(begin, end)) != 0;
  }

  __device__ void visit(int i, int begin, bool all_see, bool finite, State<S>& state) const {
    float weights[kKeyTiles][4] = {};
    multiply_keys(i, weights);
    weigh(begin, all_see, weights, state);
    uint32_t rounded[kKeySteps][4];
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const float(&tile)[4] = weights[2 * step + r / 2];
        rounded[step][r] = rounded_pair(tile[r % 2 * 2], tile[r % 2 * 2 + 1]);
      }
      multiply_add(state.sum, rounded[step], {kPairOfOnes, kPairOfOnes});
    }
    if (finite) {
      add_values(i, rounded, state);
    } else {
      add_finite_values(i, begin, rounded, state);
    }
  }

  __device__ void multiply_keys(int i, float (&scores)[kKeyTiles][4]) const {
    const uint32_t queries = shared_address(shared_);
    const uint32_t keys = shared_address(stage(i));
#pragma unroll
    for (int step = 0; step < S::kHead / kDepth; ++step) {
      uint32_t query[4];
      load_matrices(query,
                    queries + byte_of<S::kPieces>(query_place(thread_, 0), group_ * kWarpLanes, 2 * step));
#pragma unroll
      for (int pair = 0; pair < kKeyTiles / 2; ++pair) {
        uint32_t key[4];
        load_matrices(key, keys + byte_of<S::kPieces>(key_place(thread_, 0, 0), pair * kDepth, 2 * step));
        multiply_add(scores[2 * pair], query, {key[0], key[1]});
        multiply_add(scores[2 * pair + 1], query, {key[2], key[3]});
      }
    }
  }

  // Products become weights of the state's new levels.
  __device__ void weigh(int begin, bool all_see, float (&scores)[kKeyTiles][4], State<S>& state) const {
    float scale = __fmul_rn(work_.scale, kLog2E);
    if (work_.score_cap != 0.0F) {
      cap(scores);
      scale = kLog2E;
    }
    if (!all_see) hide(begin, scores);
    float greatest[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int tile = 0; tile < kKeyTiles; ++tile) {
#pragma unroll
      for (int r = 0; r < 4; ++r) greatest[r / 2] = fmaxf(greatest[r / 2], scores[tile][r]);
    }
    float factor[2];
    float reference[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float top = greatest[half];  // of the four threads that have a lane in common
      top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 1));
      top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, 2));
      const float level = fmaxf(state.level[half], ceilf(__fmul_rn(top, scale)));
      factor[half] = level_factor(state.level[half], level);
      reference[half] = level == -INFINITY ? 0.0F : -level;
      state.level[half] = level;
    }
#pragma unroll
    for (int tile = 0; tile < kKeyTiles; ++tile) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        scores[tile][r] = power_of_two(__fmaf_rn(scores[tile][r], scale, reference[r / 2]));
      }
    }
    state.rescale(factor);
  }
  __device__ void cap(float (&scores)[kKeyTiles][4]) const {
    const float inner = __fdiv_rn(work_.scale, work_.score_cap);
#pragma unroll
    for (auto& tile : scores) {
#pragma unroll
      for (float& score : tile) score = __fmul_rn(work_.score_cap, tanhf(__fmul_rn(score, inner)));
    }
  }
  __device__ void hide(int begin, float (&scores)[kKeyTiles][4]) const {
#pragma unroll
    for (int tile = 0; tile < kKeyTiles; ++tile) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const int position = begin + tile * kResultColumns + result_column(thread_, r);
        if (!seen_[r / 2].sees(position)) scores[tile][r] = -INFINITY;
      }
    }
  }

  __device__ void load_values(int i, int step, int pair, uint32_t (&values)[4]) const {
    const int pieces = part_ * (S::kColumns / kElements) + 2 * pair;
    load_transposed(values, shared_address(stage(i)) + S::kHalfBytes +
                                byte_of<S::kPieces>(value_place(thread_, 0, 0), step * kDepth, pieces));
  }

  __device__ void add_values(int i, const uint32_t (&weights)[kKeySteps][4], State<S>& state) const {
#pragma unroll
    for (int step = 0; step < kKeySteps; ++step) {
#pragma unroll
      for (int pair = 0; pair < S::kColumnTiles / 2; ++pair) {
        uint32_t values[4];
        load_values(i, step, pair, values);
        multiply_add(state.out[2 * pair], weights[step], {values[0], values[1]});
        multiply_add(state.out[2 * pair + 1], weights[step], {values[2], values[3]});
      }
    }
  }

  // The same where some value is infinite or no number, and would be that times a weight of 0 in lanes that
  // do not see it: such values count as 0, and outputs of lanes that see one become no number.
  __device__ void add_finite_values(int i, int begin, const uint32_t (&weights)[kKeySteps][4],
                                    State<S>& state) const {
#pragma unroll
    for (int pair = 0; pair < S::kColumnTiles / 2; ++pair) {
      float broken[2][4] = {};  // values that the lane sees
#pragma unroll
      for (int step = 0; step < kKeySteps; ++step) {
        uint32_t values[4];
        load_values(i, step, pair, values);
        uint32_t marks[4];
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const uint32_t found = nonfinite(values[r]) / 0x8000 * 0xFFFF;
          values[r] &= ~found;
          marks[r] = found & kPairOfOnes;
        }
        multiply_add(state.out[2 * pair], weights[step], {values[0], values[1]});
        multiply_add(state.out[2 * pair + 1], weights[step], {values[2], values[3]});
        uint32_t seen[4];
        mark_seen(begin + step * kDepth, seen);
        multiply_add(broken[0], seen, {marks[0], marks[1]});
        multiply_add(broken[1], seen, {marks[2], marks[3]});
      }
#pragma unroll
      for (int r = 0; r < 8; ++r) {
        if (broken[r / 4][r % 4] != 0.0F) state.out[2 * pair + r / 4][r % 4] = NAN;
      }
    }
  }
  // A left factor: 1 where a lane sees one of 16 keys.
  __device__ void mark_seen(int begin, uint32_t (&seen)[4]) const {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      seen[r] = 0;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int position = begin + r / 2 * kResultColumns + result_column(thread_, e);
        if (seen_[r % 2].sees(position)) seen[r] |= 0x3F80U << (16 * e);
      }
    }
  }
  // The signs' places of a pair: whether an exponent has only ones, as infinity has, so that one more
  // overflows.
  static __device__ uint32_t nonfinite(uint32_t pair) {
    return ((pair & 0x7F807F80) + 0x00800080) & 0x80008000;
  }

  // body(column of the head, its results' first index r: r and r + 1 are neighbours)
  template <typename Body>
  __device__ void for_each_pair(int half, const State<S>& state, const Body& body) const {
#pragma unroll
    for (int tile = 0; tile < S::kColumnTiles; ++tile) {
      const int column = part_ * S::kColumns + tile * kResultColumns + result_column(thread_, 0);
      if (column < work_.head_size) body(column, state.out[tile][2 * half], state.out[tile][2 * half + 1]);
    }
  }

  __device__ void store(const State<S>& state, int half, int head, int slot) const {
    float* to = state_of(work_, slot, head);
    for_each_pair(half, state, [&](int column, float first, float second) {
      *reinterpret_cast<float2*>(to + column) = make_float2(first, second);
    });
    if (thread_ % 4 == 0 && part_ == 0)
      write_level_and_sum(work_, to, state.level[half], state.sum[2 * half]);
  }
  __device__ void store_chunk(const State<S>& state, int chunk) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Lane lane = lane_of(half);
      if (!has_chunk(lane, chunk)) continue;
      store(state, half, lane.head, state_slot(work_.plan.states[lane.row], chunk));
    }
  }
  __device__ void store_total(const State<S>& state) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Lane lane = lane_of(half);
      if (lane.exists()) store(state, half, lane.head, work_.plan.states[lane.row].first_slot);
    }
  }
  __device__ void write_outputs(const State<S>& state) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const Lane lane = lane_of(half);
      if (!lane.exists()) continue;
      const Ending ending(work_, lane.head, state.level[half], state.sum[2 * half]);
      const int first = lane.head * work_.head_size;
      for_each_pair(half, state, [&](int column, float a, float b) {
        if (work_.head_size % 2 == 0) {
          write_output_pair(work_, lane.row, first + column, ending.output(a), ending.output(b));
        } else {
          write_output(work_, lane.row, first + column, ending.output(a));
          if (column + 1 < work_.head_size)
            write_output(work_, lane.row, first + column + 1, ending.output(b));
        }
      });
    }
  }

  const AttentionWork& work_;
  const AttentionItem& item_;
  const int kv_head_;
  const int thread_;  // of the warp
  const int group_;
  const int part_;
  std::byte* const shared_;
  Range seen_[2];  // of this thread's lanes
};

template <class S>
__global__ void __launch_bounds__(S::kThreads, S::kBlocks)
    tile_attention(const __grid_constant__ AttentionWork work, int first_item) {
  extern __shared__ __align__(128) std::byte shared[];
  let_next_kernel_begin();
  await_earlier_kernels();
  // Registers are scarce: what the block knows of its item lies in shared memory, and of lanes only what
  // every page needs is kept.
  __shared__ AttentionItem item;
  if (threadIdx.x == 0) item = work.plan.items[first_item + static_cast<int>(blockIdx.x)];
  __syncthreads();
  Block<S>(work, item, shared).run();
}

template <class S>
void launch(const AttentionWork& work, int first_item, int items, cudaStream_t stream) {
  if (items == 0) return;
  // Once: it takes as long as a launch.
  static const cudaError_t allowed =
      cudaFuncSetAttribute(tile_attention<S>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::kSharedBytes);
  check(allowed);
  const dim3 grid(static_cast<unsigned>(items), static_cast<unsigned>(work.memory.shape.kv_heads));
  launch_early(tile_attention<S>, {.grid = grid, .block = S::kThreads, .shared_bytes = S::kSharedBytes},
               stream, work, first_item);
}

// Wide items first: they take longest.
template <int kHead, int kWideStages, int kNarrowStages>
void attend_items(const AttentionWork& work, cudaStream_t stream) {
  constexpr int kParts = kHead > kLongHead ? 2 : 1;
  const PlanParts& parts = work.plan.parts;
  launch<Shape<kHead, kParts, kWideTileLanes / kWarpLanes, kWideStages>>(work, parts.narrow_items,
                                                                         parts.wide_items, stream);
  launch<Shape<kHead, kParts, kNarrowTileLanes / kWarpLanes, kNarrowStages>>(work, 0, parts.narrow_items,
                                                                             stream);
}

template <int kHead>
void attend_head(const AttentionWork& work, cudaStream_t stream) {
  if constexpr (kHead <= 64) {
    attend_items<kHead, 2, 3>(work, stream);
  } else {
    // Three narrow blocks of two pages of heads of 128 fit into a multiprocessor.
    attend_items<kHead, 2, 2>(work, stream);
  }
}

// The same for heads of which two pages are more than a block's shared memory on small chips, which then
// fetch a page when they are done with the one before it.
template <int kHead>
void attend_long_head(const AttentionWork& work, cudaStream_t stream) {
  static_assert(kHead > kLongHead);
  int device = 0;
  int shared_bytes = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  if (shared_bytes > Shape<kHead, 2, kWideTileLanes / kWarpLanes, 2>::kSharedBytes + kReservedBytes) {
    attend_items<kHead, 2, 2>(work, stream);
  } else {
    attend_items<kHead, 1, 1>(work, stream);
  }
}

}  // namespace sizeup::cuda::tiles
