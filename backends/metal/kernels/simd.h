// Sums and greatest values over threads, in an order that nothing changes: of a simdgroup by pairs at
// distances 16, 8, 4, 2 and 1, so that all its threads get the same bits; of more threads by simdgroups from
// the first to the last.
#pragma once

#include <metal_stdlib>

#include "backends/metal/kernels/parameters.h"

inline float simd_total(float x) {
  for (ushort distance = sizeup::metal_kernels::kSimdThreads / 2; distance > 0; distance /= 2)
    x += metal::simd_shuffle_xor(x, distance);
  return x;
}

inline float simd_greatest(float x) {
  for (ushort distance = sizeup::metal_kernels::kSimdThreads / 2; distance > 0; distance /= 2)
    x = metal::max(x, metal::simd_shuffle_xor(x, distance));
  return x;
}

// Over all threads of the group. `partial`: threadgroup memory, a float for each simdgroup.
template <class Floats>
inline float group_total(float x, Floats partial, uint index, uint threads) {
  const uint simdgroups = threads / sizeup::metal_kernels::kSimdThreads;
  x = simd_total(x);
  if (index % sizeup::metal_kernels::kSimdThreads == 0)
    partial[index / sizeup::metal_kernels::kSimdThreads] = x;
  metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);
  float sum = partial[0];
  for (uint i = 1; i < simdgroups; ++i) sum += partial[i];
  metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);
  return sum;
}
