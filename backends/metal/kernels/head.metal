// What is asked of a next-token distribution, from a row of logits.
#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int head_caps [[function_constant(11)]];

// Greater logits come first, ties to the lower token. No token: -1.
struct Ranked {
  float logit;
  int token;
};

inline bool comes_before(Ranked a, Ranked b) {
  if (b.token < 0) return a.token >= 0;
  if (a.token < 0) return false;
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// The first of all threads' candidates, known to all of them. Threadgroup memory: one of each for a
// simdgroup.
template <class Floats, class Ints>
inline Ranked group_first(Ranked best, Floats logits, Ints tokens, uint index) {
  for (ushort distance = kSimdThreads / 2; distance > 0; distance /= 2) {
    const Ranked other = {simd_shuffle_xor(best.logit, distance), simd_shuffle_xor(best.token, distance)};
    if (comes_before(other, best)) best = other;
  }
  if (index % kSimdThreads == 0) {
    logits[index / kSimdThreads] = best.logit;
    tokens[index / kSimdThreads] = best.token;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  best = {logits[0], tokens[0]};
  for (int i = 1; i < kHeadThreads / kSimdThreads; ++i) {
    const Ranked other = {logits[i], tokens[i]};
    if (comes_before(other, best)) best = other;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return best;
}

// The first of a thread's tokens behind `last`. A broken model's NaN counts as the smallest logit.
inline Ranked thread_first(device const float* logits, int vocabulary, uint index, Ranked last) {
  Ranked best = {-INFINITY, -1};
  for (int v = static_cast<int>(index); v < vocabulary; v += kHeadThreads) {
    const Ranked one = {isnan(logits[v]) ? -INFINITY : logits[v], v};
    if (last.token >= 0 && !comes_before(last, one)) continue;
    if (comes_before(one, best)) best = one;
  }
  return best;
}

// A group has a row. The logits become capped ones; places and results are those of all rows, logits those of
// some, from first_row on.
kernel void finish_head(device float* logits [[buffer(0)]], device const HeadRow* places [[buffer(1)]],
                        device const int* targets [[buffer(2)]], device int* best_tokens [[buffer(3)]],
                        device float* best_logprobs [[buffer(4)]],
                        device float* target_logprobs [[buffer(5)]], device int* top_tokens [[buffer(6)]],
                        device float* top_logprobs [[buffer(7)]], device float* distributions [[buffer(8)]],
                        constant HeadParameters& parameters [[buffer(9)]],
                        uint3 group [[threadgroup_position_in_grid]],
                        uint index [[thread_index_in_threadgroup]]) {
  threadgroup float partial[kHeadThreads / kSimdThreads];
  threadgroup int partial_tokens[kHeadThreads / kSimdThreads];
  const int vocabulary = parameters.vocabulary;
  const int first = static_cast<int>(index);
  const int row = parameters.first_row + static_cast<int>(group.x);
  device const HeadRow& place = places[row];
  device float* own = logits + static_cast<long>(group.x) * vocabulary;
  if (head_caps) {
    for (int v = first; v < vocabulary; v += kHeadThreads)
      own[v] = parameters.cap * precise::tanh(own[v] / parameters.cap);
    threadgroup_barrier(mem_flags::mem_device);  // targets are read by other threads
  }
  const Ranked none = {-INFINITY, -1};
  const Ranked best =
      group_first(thread_first(own, vocabulary, index, none), &partial[0], &partial_tokens[0], index);
  float sum = 0.0f;
  for (int v = first; v < vocabulary; v += kHeadThreads) sum += precise::exp(own[v] - best.logit);
  const float log_sum = precise::log(group_total(sum, &partial[0], index, kHeadThreads));
  if (first == 0) {
    best_tokens[row] = best.token;
    best_logprobs[row] = (best.logit - best.logit) - log_sum;
  }
  for (int t = first; t < place.targets; t += kHeadThreads) {
    const int at = place.first_target + t;
    target_logprobs[at] = (own[targets[at]] - best.logit) - log_sum;
  }
  if (place.distribution >= 0) {
    device float* to = distributions + static_cast<long>(place.distribution) * vocabulary;
    for (int v = first; v < vocabulary; v += kHeadThreads) to[v] = (own[v] - best.logit) - log_sum;
  }
  Ranked last = none;
  for (int i = 0; i < place.tops; ++i) {
    last = i == 0 ? best
                  : group_first(thread_first(own, vocabulary, index, last), &partial[0], &partial_tokens[0],
                                index);
    if (first == 0) {
      top_tokens[place.first_top + i] = last.token;
      top_logprobs[place.first_top + i] = (last.logit - best.logit) - log_sum;
    }
  }
}
