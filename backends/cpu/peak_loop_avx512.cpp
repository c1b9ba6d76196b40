#include <immintrin.h>

#include "backends/cpu/peak_loops.h"

namespace sizeup {

int64_t peak_loop_avx512(int64_t iterations) {
  constexpr int kLanes = 16;
  // Twelve sums: latency 4 x 2 units, with some to spare. Not an array, which GCC 12 would keep in memory.
  constexpr int kSums = 12;
  const __m512 half = _mm512_set1_ps(0.5F);
  __m512 s0 = half, s1 = half, s2 = half, s3 = half, s4 = half, s5 = half, s6 = half, s7 = half, s8 = half,
         s9 = half, s10 = half, s11 = half;
  for (int64_t i = 0; i < iterations; ++i) {
    s0 = _mm512_fmadd_ps(half, half, s0);
    s1 = _mm512_fmadd_ps(half, half, s1);
    s2 = _mm512_fmadd_ps(half, half, s2);
    s3 = _mm512_fmadd_ps(half, half, s3);
    s4 = _mm512_fmadd_ps(half, half, s4);
    s5 = _mm512_fmadd_ps(half, half, s5);
    s6 = _mm512_fmadd_ps(half, half, s6);
    s7 = _mm512_fmadd_ps(half, half, s7);
    s8 = _mm512_fmadd_ps(half, half, s8);
    s9 = _mm512_fmadd_ps(half, half, s9);
    s10 = _mm512_fmadd_ps(half, half, s10);
    s11 = _mm512_fmadd_ps(half, half, s11);
    // The sums are looked at: no round can be left out.
    asm volatile(""
                 : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7), "+v"(s8),
                   "+v"(s9), "+v"(s10), "+v"(s11));
  }
  return iterations * kSums * kLanes * 2;
}

}  // namespace sizeup
