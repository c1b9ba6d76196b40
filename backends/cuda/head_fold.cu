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

// What a row's blocks make together, from the first to the last.
__device__ HeadState folded(const HeadState* states, int row, int rows, int blocks) {
  HeadState all = states[row];
  for (int b = 1; b < blocks; ++b) {
    const HeadState block = states[static_cast<int64_t>(b) * rows + row];
    const bool greater = block.greatest > all.greatest;
    const float greatest = greater ? block.greatest : all.greatest;
    all.best = greater ? block.best : all.best;
    all.sum = __fmaf_rn(block.sum, share_of(block.greatest, greatest),
                        __fmul_rn(all.sum, share_of(all.greatest, greatest)));
    all.greatest = greatest;
  }
  return all;
}

// A block of the vocabulary, of one row.
struct BlockOfRow {
  const float* logits;
  int first_column;
  int columns;
  int64_t index;  // among the blocks of all rows

  __device__ explicit BlockOfRow(const HeadWork& work) {
    const int row = blockIdx.x;
    const int first = blockIdx.y * kHeadColumns;
    logits = work.logits + row * work.stride + first;
    first_column = work.first_column + first;
    columns = work.columns - first < kHeadColumns ? work.columns - first : kHeadColumns;
    index = static_cast<int64_t>(first_column / kHeadColumns) * work.rows + row;
  }
};

__global__ void __launch_bounds__(kThreads) fold_rows(const HeadWork work) {
  __shared__ TopKey keys[kThreads / kWarp];
  __shared__ float sums[kThreads / kWarp];
  const int row = blockIdx.x;
  const BlockOfRow block(work);
  const WantedRow wanted = work.wanted[row];
  TopKey key = kNoKey;
  for (int c = threadIdx.x; c < block.columns; c += kThreads) {
    const TopKey one = top_key(capped(block.logits[c], work.cap), block.first_column + c);
    key = one > key ? one : key;
  }
  key = greatest_of_block(key, keys);
  const float greatest = key_logit(key);
  const int64_t kept = work.distribution == nullptr ? -1 : work.distribution[row];
  float sum = 0.0F;
  for (int c = threadIdx.x; c < block.columns; c += kThreads) {
    const float logit = capped(block.logits[c], work.cap);
    sum = __fadd_rn(sum, share_of(logit, greatest));
    if (kept >= 0) work.logits_kept[kept + block.first_column + c] = logit;
  }
  sum = sum_of_block(sum, sums);
  if (threadIdx.x == 0) work.states[block.index] = {.greatest = greatest, .sum = sum, .best = key_token(key)};
  for (int t = wanted.target_begin + threadIdx.x; t < wanted.target_begin + wanted.target_count;
       t += kThreads) {
    const int column = work.targets[t] - block.first_column;
    if (column >= 0 && column < block.columns) work.target_logits[t] = capped(block.logits[column], work.cap);
  }
}

// Sorts kCount keys in shared memory, the greatest first (Batcher's bitonic network).
template <int kCount>
__device__ void sort_keys(TopKey* keys) {
  for (int run = 2; run <= kCount; run *= 2) {
    for (int apart = run / 2; apart > 0; apart /= 2) {
      __syncthreads();
      for (int i = threadIdx.x; i < kCount / 2; i += kSortThreads) {
        const int low = i / apart * apart * 2 + i % apart;
        const TopKey a = keys[low];
        const TopKey b = keys[low + apart];
        if ((a < b) == ((low & run) == 0)) {
          keys[low] = b;
          keys[low + apart] = a;
        }
      }
    }
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kSortThreads) top_of_blocks(const HeadWork work) {
  extern __shared__ TopKey keys[];
  if (work.wanted[blockIdx.x].top_count == 0) return;
  const BlockOfRow block(work);
  for (int c = threadIdx.x; c < kHeadColumns; c += kSortThreads) {
    keys[c] = c < block.columns ? top_key(capped(block.logits[c], work.cap), block.first_column + c) : kNoKey;
  }
  sort_keys<kHeadColumns>(keys);
  if (threadIdx.x < kMostTop) work.top[block.index * kMostTop + threadIdx.x] = keys[threadIdx.x];
}

// The most probable tokens of all blocks, which are taken as many at a time as one sort has room for.
__global__ void __launch_bounds__(kSortThreads) finish_top(const HeadResults work) {
  constexpr int kKeys = 2048;
  __shared__ TopKey keys[kKeys];
  const int row = blockIdx.x;
  const WantedRow wanted = work.wanted[row];
  if (wanted.top_count == 0) return;
  const int blocks = head_blocks(work.vocabulary);
  if (threadIdx.x < kMostTop) keys[threadIdx.x] = kNoKey;
  for (int first = 0; first < blocks; first += kKeys / kMostTop - 1) {
    __syncthreads();
    for (int i = kMostTop + threadIdx.x; i < kKeys; i += kSortThreads) {
      const int64_t block = first + i / kMostTop - 1;
      keys[i] = block < blocks ? work.top[(block * work.rows + row) * kMostTop + i % kMostTop] : kNoKey;
    }
    sort_keys<kKeys>(keys);
  }
  const HeadState state = folded(work.states, row, work.rows, blocks);
  if (threadIdx.x >= wanted.top_count) return;
  const TopKey key = keys[threadIdx.x];
  work.top_tokens[static_cast<int64_t>(row) * kMostTop + threadIdx.x] = {
      key_token(key), __fsub_rn(__fsub_rn(key_logit(key), state.greatest), logf(state.sum))};
}

__global__ void __launch_bounds__(kThreads) finish_rows(const HeadResults work) {
  const int row = blockIdx.x;
  const HeadState state = folded(work.states, row, work.rows, head_blocks(work.vocabulary));
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
  if (!wanted.distribution) return;
  float* kept = work.logits_kept + work.distribution[row];
  for (int v = threadIdx.x; v < work.vocabulary; v += kThreads) kept[v] = logprob(kept[v]);
}

}  // namespace

void fold_blocks(const HeadWork& work, cudaStream_t stream) {
  if (work.rows <= 0) return;
  const dim3 grid(work.rows, head_blocks(work.columns));
  fold_rows<<<grid, kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
  if (work.top == nullptr) return;
  constexpr int kBytes = kHeadColumns * sizeof(TopKey);
  check(cudaFuncSetAttribute(top_of_blocks, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
  top_of_blocks<<<grid, kSortThreads, kBytes, stream>>>(work);
  check(cudaGetLastError());
}

void finish_head(const HeadResults& work, cudaStream_t stream) {
  if (work.rows <= 0) return;
  finish_rows<<<work.rows, kThreads, 0, stream>>>(work);
  check(cudaGetLastError());
  if (work.top == nullptr) return;
  finish_top<<<work.rows, kSortThreads, 0, stream>>>(work);
  check(cudaGetLastError());
}

}  // namespace sizeup::cuda
