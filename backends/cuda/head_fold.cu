#include <cmath>

#include "backends/cuda/check.h"
#include "backends/cuda/head_fold.h"
#include "backends/cuda/top_key.h"

namespace sizeup::cuda {
namespace {

constexpr int kThreads = 256;  // of a row; with the columns of a block they fix the order of its sum
constexpr int kWarp = 32;
constexpr int kSortThreads = 1024;
// The least key: of no token.
constexpr TopKey kNoKey = 0;

__device__ float capped(float logit, float cap) {
  return cap == 0.0F ? logit : __fmul_rn(cap, tanhf(__fdiv_rn(logit, cap)));
}

// e^(logit - greatest); a logit of -infinity has no share, even where there is nothing else.
__device__ float share_of(float logit, float greatest) {
  return logit == -INFINITY ? 0.0F : expf(__fsub_rn(logit, greatest));
}

// The greatest key of a block's threads, for all of them.
__device__ TopKey greatest_of_block(TopKey key, TopKey (&shared)[kThreads / kWarp]) {
  for (int other = kWarp / 2; other > 0; other /= 2) {
    const TopKey theirs = __shfl_xor_sync(0xFFFFFFFFU, key, other);
    key = theirs > key ? theirs : key;
  }
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = key;
  __syncthreads();
  for (const TopKey theirs : shared) key = theirs > key ? theirs : key;
  return key;
}

// The sum over a block's threads by a fixed tree, then warps in order; for all of them.
__device__ float sum_of_block(float sum, float (&shared)[kThreads / kWarp]) {
  for (int other = kWarp / 2; other > 0; other /= 2)
    sum = __fadd_rn(sum, __shfl_xor_sync(0xFFFFFFFFU, sum, other));
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = sum;
  __syncthreads();
  float all = 0.0F;
  for (const float part : shared) all = __fadd_rn(all, part);
  return all;
}

__device__ void fold_state(HeadState& state, const HeadState& block, bool first) {
  if (first) {
    state = block;
    return;
  }
  const float greatest = block.greatest > state.greatest ? block.greatest : state.greatest;
  state.best = block.greatest > state.greatest ? block.best : state.best;
  state.sum = __fmaf_rn(block.sum, share_of(block.greatest, greatest),
                        __fmul_rn(state.sum, share_of(state.greatest, greatest)));
  state.greatest = greatest;
}

__global__ void __launch_bounds__(kThreads) fold_rows(const HeadWork work) {
  __shared__ TopKey keys[kThreads / kWarp];
  __shared__ float sums[kThreads / kWarp];
  const int row = blockIdx.x;
  const float* logits = work.logits + row * work.stride;
  const WantedRow wanted = work.wanted[row];
  TopKey key = kNoKey;
  for (int c = threadIdx.x; c < work.columns; c += kThreads) {
    const TopKey one = top_key(capped(logits[c], work.cap), work.first_column + c);
    key = one > key ? one : key;
  }
  key = greatest_of_block(key, keys);
  HeadState block{.greatest = key_logit(key), .sum = 0.0F, .best = key_token(key)};
  const int64_t kept = work.distribution == nullptr ? -1 : work.distribution[row];
  float sum = 0.0F;
  for (int c = threadIdx.x; c < work.columns; c += kThreads) {
    const float logit = capped(logits[c], work.cap);
    sum = __fadd_rn(sum, share_of(logit, block.greatest));
    if (kept >= 0) work.logits_kept[kept + work.first_column + c] = logit;
  }
  block.sum = sum_of_block(sum, sums);
  if (threadIdx.x == 0) fold_state(work.states[row], block, work.first_column == 0);
  for (int t = wanted.target_begin + threadIdx.x; t < wanted.target_begin + wanted.target_count;
       t += kThreads) {
    const int column = work.targets[t] - work.first_column;
    if (column >= 0 && column < work.columns) work.target_logits[t] = capped(logits[column], work.cap);
  }
}

// Sorts the block's keys downwards in shared memory (Batcher's bitonic network), then merges the first of
// them with those that the row has so far.
__global__ void __launch_bounds__(kSortThreads) fold_top(const HeadWork work) {
  extern __shared__ TopKey keys[];
  const int row = blockIdx.x;
  if (work.wanted[row].top_count == 0) return;
  for (int c = threadIdx.x; c < kHeadColumns; c += kSortThreads) {
    keys[c] = c < work.columns
                  ? top_key(capped(work.logits[row * work.stride + c], work.cap), work.first_column + c)
                  : kNoKey;
  }
  for (int run = 2; run <= kHeadColumns; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      __syncthreads();
      for (int i = threadIdx.x; i < kHeadColumns / 2; i += kSortThreads) {
        const int low = i / apart * apart * 2 + i % apart;
        const TopKey a = keys[low];
        const TopKey b = keys[low + apart];
        const bool downwards = (low & run) == 0;
        if ((a < b) == downwards) {
          keys[low] = b;
          keys[low + apart] = a;
        }
      }
    }
  }
  TopKey* top = work.top + static_cast<int64_t>(row) * kMostTop;
  __shared__ TopKey before[kMostTop];
  if (threadIdx.x < kMostTop) before[threadIdx.x] = work.first_column == 0 ? kNoKey : top[threadIdx.x];
  __syncthreads();
  if (threadIdx.x >= 2 * kMostTop) return;
  // A key's place is how many of both lists come before it; equal keys are of no token.
  const bool is_new = threadIdx.x >= kMostTop;
  const int own = threadIdx.x % kMostTop;
  const TopKey key = is_new ? keys[own] : before[own];
  const TopKey* others = is_new ? before : keys;
  int place = own;
  for (int i = 0; i < kMostTop; ++i) place += is_new ? others[i] >= key : others[i] > key;
  if (place < kMostTop) top[place] = key;
}

__global__ void __launch_bounds__(kThreads) finish_rows(const HeadResults work) {
  const int row = blockIdx.x;
  const HeadState state = work.states[row];
  const WantedRow wanted = work.wanted[row];
  const float log_sum = logf(state.sum);
  const auto logprob = [&](float logit) { return __fsub_rn(__fsub_rn(logit, state.greatest), log_sum); };
  if (threadIdx.x == 0) {
    work.best[row] = state.best;
    work.best_logprobs[row] = logprob(state.greatest);
  }
  for (int t = wanted.target_begin + threadIdx.x; t < wanted.target_begin + wanted.target_count;
       t += kThreads)
    work.target_logits[t] = logprob(work.target_logits[t]);
  for (int i = threadIdx.x; i < wanted.top_count; i += kThreads) {
    const int64_t place = static_cast<int64_t>(row) * kMostTop + i;
    work.top_tokens[place] = {key_token(work.top[place]), logprob(key_logit(work.top[place]))};
  }
  if (!wanted.distribution) return;
  float* kept = work.logits_kept + work.distribution[row];
  for (int v = threadIdx.x; v < work.vocabulary; v += kThreads) kept[v] = logprob(kept[v]);
}

}  // namespace

void fold_block(const HeadWork& work, cudaStream_t stream) {
  if (work.rows <= 0) return;
  fold_rows<<<work.rows, kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
  if (work.top == nullptr) return;
  constexpr int kBytes = kHeadColumns * sizeof(TopKey);
  check(cudaFuncSetAttribute(fold_top, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
  fold_top<<<work.rows, kSortThreads, kBytes, stream>>>(work);
  check(cudaGetLastError());
}

void finish_head(const HeadResults& work, cudaStream_t stream) {
  if (work.rows <= 0) return;
  finish_rows<<<work.rows, kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
}

}  // namespace sizeup::cuda
