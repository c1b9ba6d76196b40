#include "backends/cuda/routing.h"

#include "backends/cuda/activation_functions.h"
#include "backends/cuda/expert_order.h"
#include "backends/cuda/fours.cuh"

namespace sizeup::cuda {
namespace {

constexpr int kLanes = 32;
constexpr int kWarps = 4;  // of a block, a row each
constexpr unsigned kAll = 0xFFFFFFFFU;

// A row's numbers in shared memory.
struct RowRoom {
  float* scores;   // [count]
  float* ranks;    // [count]: what is compared to choose
  float* sums;     // [groups]
  float* weights;  // [used]
  int* chosen;     // [used]
  bool* closed;    // [groups]

  static SIZEUP_HOST_DEVICE size_t bytes(const RouterView& router) {
    const auto words = static_cast<size_t>(2 * router.count + router.groups + 2 * router.used);
    return words * 4 + static_cast<size_t>((router.groups + 3) / 4 * 4);
  }
  __device__ RowRoom(const RouterView& router, char* memory)
      : scores(reinterpret_cast<float*>(memory)),
        ranks(scores + router.count),
        sums(ranks + router.count),
        weights(sums + router.groups),
        chosen(reinterpret_cast<int*>(weights + router.used)),
        closed(reinterpret_cast<bool*>(chosen + router.used)) {}
};

__device__ float sum_of_warp(float value) {
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    value = __fadd_rn(value, __shfl_xor_sync(kAll, value, distance));
  return value;
}

__device__ float greatest_of_warp(float value) {
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAll, value, distance));
  return value;
}

// chosen_after over all lanes.
__device__ Ranked warp_chosen_after(const Ranked& last, const float* values, int count, int lane,
                                    const bool* closed, int group_size) {
  Ranked best = chosen_after(last, values, count, lane, kLanes, closed, group_size);
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    const Ranked other{__shfl_xor_sync(kAll, best.value, distance),
                       __shfl_xor_sync(kAll, best.index, distance)};
    if (chosen_before(other, best)) best = other;
  }
  return best;
}

__device__ void score(const RouterView& router, const float* outputs, int lane, const RowRoom& room) {
  float highest = -INFINITY;
  for (int e = lane; e < router.count; e += kLanes) highest = fmaxf(highest, outputs[e]);
  highest = greatest_of_warp(highest);
  float sum = 0.0F;
  for (int e = lane; e < router.count; e += kLanes) {
    float value = outputs[e];
    if (router.scoring == RouterScoring::softmax) value = expf(value - highest);
    if (router.scoring == RouterScoring::sigmoid) value = logistic(value);
    room.scores[e] = value;
    sum = __fadd_rn(sum, value);
  }
  sum = sum_of_warp(sum);
  for (int e = lane; e < router.count; e += kLanes) {
    if (router.scoring == RouterScoring::softmax) room.scores[e] /= sum;
    const float bias = router.selection_bias == nullptr ? 0.0F : router.selection_bias[e];
    room.ranks[e] = router.selection_bias == nullptr ? room.scores[e] : __fadd_rn(room.scores[e], bias);
  }
  __syncwarp();
}

__device__ void close_groups(const RouterView& router, int lane, const RowRoom& room) {
  const int size = router.count / router.groups;
  for (int g = lane; g < router.groups; g += kLanes) {
    float sum = 0.0F;
    Ranked last;
    for (int i = 0; i < min(router.group_best, size); ++i) {
      last = chosen_after(last, room.ranks + g * size, size, 0, 1, nullptr, 1);
      sum = __fadd_rn(sum, last.value);
    }
    room.sums[g] = sum;
    room.closed[g] = true;
  }
  __syncwarp();
  Ranked last;
  for (int i = 0; i < router.groups_used; ++i) {
    last = warp_chosen_after(last, room.sums, router.groups, lane, nullptr, 1);
    if (lane == 0) room.closed[last.index] = false;
  }
  __syncwarp();
}

// By one lane: a row uses few experts.
__device__ void weigh(const RouterView& router, const RowRoom& room) {
  float highest = -INFINITY;
  for (int i = 0; i < router.used; ++i) {
    room.weights[i] = room.scores[room.chosen[i]];
    highest = fmaxf(highest, room.weights[i]);
  }
  if (router.scoring == RouterScoring::softmax_chosen) {
    float sum = 0.0F;
    for (int i = 0; i < router.used; ++i) {
      room.weights[i] = expf(room.weights[i] - highest);
      sum = __fadd_rn(sum, room.weights[i]);
    }
    for (int i = 0; i < router.used; ++i) room.weights[i] /= sum;
  }
  float sum = 0.0F;
  for (int i = 0; i < router.used; ++i) sum = __fadd_rn(sum, room.weights[i]);
  for (int i = 0; i < router.used; ++i) {
    if (router.normalised) room.weights[i] /= sum;
    room.weights[i] *= router.scale;
    if (router.expert_scale != nullptr) room.weights[i] *= router.expert_scale[room.chosen[i]];
  }
}

__global__ void choose_kernel(const RouterView router, const ConstValueRows outputs, int32_t* experts,
                              float* weights, int parts) {
  extern __shared__ char memory[];
  const int warp = static_cast<int>(threadIdx.x) / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int row = static_cast<int>(blockIdx.x) * kWarps + warp;
  if (row >= outputs.rows) return;
  const RowRoom room(router, memory + static_cast<size_t>(warp) * RowRoom::bytes(router));
  score(router, outputs.row(row), lane, room);
  const bool grouped = router.groups > 1;
  if (grouped) close_groups(router, lane, room);
  Ranked last;
  for (int i = 0; i < router.used; ++i) {
    last = warp_chosen_after(last, room.ranks, router.count, lane, grouped ? room.closed : nullptr,
                             router.count / router.groups);
    if (lane == 0) room.chosen[i] = last.index;
  }
  if (lane == 0) weigh(router, room);
  __syncwarp();
  const int64_t first = static_cast<int64_t>(row) * parts;
  for (int i = lane; i < router.used; i += kLanes) {
    experts[static_cast<int64_t>(row) * router.used + i] = room.chosen[i];
    weights[first + i] = room.weights[i];
  }
  if (lane == 0 && router.shared)
    weights[first + router.used] = router.shared_gated ? logistic(outputs.row(row)[router.count]) : 1.0F;
}

// ---- Sorting: a block for each expert

constexpr int kSortThreads = 256;
constexpr int kSortWarps = kSortThreads / kLanes;

// Integers: any order gives the sum.
__device__ int sum_of_block(int value) {
  __shared__ int warps[kSortWarps];
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAll, value, distance);
  __syncthreads();
  if (threadIdx.x % kLanes == 0) warps[threadIdx.x / kLanes] = value;
  __syncthreads();
  int sum = 0;
  for (const int warp : warps) sum += warp;
  return sum;
}

__global__ void count_kernel(const int32_t* experts_of, int uses, int32_t* counts) {
  const int expert = static_cast<int>(blockIdx.x);
  int own = 0;
  for (int use = static_cast<int>(threadIdx.x); use < uses; use += kSortThreads)
    own += experts_of[use] == expert ? 1 : 0;
  own = sum_of_block(own);
  if (threadIdx.x == 0) counts[expert] = own;
}

// How many of the block's threads before this one have the flag; `all` gets how many have it.
__device__ int rank_in_block(bool flag, int& all) {
  __shared__ int warps[kSortWarps];
  const unsigned flags = __ballot_sync(kAll, flag);
  const int warp = static_cast<int>(threadIdx.x) / kLanes;
  __syncthreads();
  if (threadIdx.x % kLanes == 0) warps[warp] = __popc(flags);
  __syncthreads();
  int rank = __popc(flags & ((1U << (threadIdx.x % kLanes)) - 1U));
  all = 0;
  for (int w = 0; w < kSortWarps; ++w) {
    if (w < warp) rank += warps[w];
    all += warps[w];
  }
  return rank;
}

__global__ void sort_kernel(const int32_t* experts_of, int uses, int used, int tile_rows, SortedUses sorted) {
  const int expert = static_cast<int>(blockIdx.x);
  int before = 0;
  int tiles_before = 0;
  for (int e = static_cast<int>(threadIdx.x); e < expert; e += kSortThreads) {
    before += sorted.counts[e];
    tiles_before += (sorted.counts[e] + tile_rows - 1) / tile_rows;
  }
  before = sum_of_block(before);
  tiles_before = sum_of_block(tiles_before);
  if (threadIdx.x == 0) {
    const int own = sorted.counts[expert];
    sorted.begin[expert] = before;
    sorted.tile_begin[expert] = tiles_before;
    if (expert + 1 == static_cast<int>(gridDim.x)) {
      sorted.begin[expert + 1] = before + own;
      sorted.tile_begin[expert + 1] = tiles_before + (own + tile_rows - 1) / tile_rows;
    }
  }
  for (int first = 0; first < uses; first += kSortThreads) {
    const int use = first + static_cast<int>(threadIdx.x);
    const bool own = use < uses && experts_of[use] == expert;
    int all = 0;
    const int slot = before + rank_in_block(own, all);
    if (own) {
      sorted.rows[slot] = use / used;
      sorted.slots[use] = slot;
    }
    before += all;
  }
}

}  // namespace

RouterView router_view(const ExpertSpec& spec) {
  return {.count = spec.count,
          .used = spec.used,
          .scoring = spec.scoring,
          .groups = spec.groups,
          .groups_used = spec.groups_used,
          .group_best = spec.group_best,
          .normalised = spec.normalised,
          .scale = spec.scale,
          .shared = spec.shared_width > 0,
          .shared_gated = spec.shared_gated};
}

void choose_experts(const RouterView& router, const ConstValueRows& outputs, int32_t* experts, float* weights,
                    cudaStream_t stream) {
  if (outputs.rows == 0) return;
  const auto blocks = static_cast<unsigned>((outputs.rows + kWarps - 1) / kWarps);
  choose_kernel<<<blocks, kWarps * kLanes, kWarps * RowRoom::bytes(router), stream>>>(
      router, outputs, experts, weights, router.parts());
  check(cudaGetLastError());
}

void sort_by_expert(const int32_t* experts_of, int rows, int used, int experts, int tile_rows,
                    const SortedUses& sorted, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(experts);
  count_kernel<<<blocks, kSortThreads, 0, stream>>>(experts_of, rows * used, sorted.counts);
  check(cudaGetLastError());
  sort_kernel<<<blocks, kSortThreads, 0, stream>>>(experts_of, rows * used, used, tile_rows, sorted);
  check(cudaGetLastError());
}

}  // namespace sizeup::cuda
