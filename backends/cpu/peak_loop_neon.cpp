#include <arm_neon.h>

#include "backends/cpu/peak_loops.h"

namespace sizeup {

int64_t peak_loop_neon(int64_t iterations) {
  constexpr int kLanes = 4;
  // Twelve sums, as for avx2: latency 4 x 2 units, with some to spare. Not an array, which GCC 12 would keep
  // in memory.
  constexpr int kSums = 12;
  const float32x4_t half = vdupq_n_f32(0.5F);
  float32x4_t s0 = half, s1 = half, s2 = half, s3 = half, s4 = half, s5 = half, s6 = half, s7 = half,
              s8 = half, s9 = half, s10 = half, s11 = half;
  for (int64_t i = 0; i < iterations; ++i) {
    s0 = vfmaq_f32(s0, half, half);
    s1 = vfmaq_f32(s1, half, half);
    s2 = vfmaq_f32(s2, half, half);
    s3 = vfmaq_f32(s3, half, half);
    s4 = vfmaq_f32(s4, half, half);
    s5 = vfmaq_f32(s5, half, half);
    s6 = vfmaq_f32(s6, half, half);
    s7 = vfmaq_f32(s7, half, half);
    s8 = vfmaq_f32(s8, half, half);
    s9 = vfmaq_f32(s9, half, half);
    s10 = vfmaq_f32(s10, half, half);
    s11 = vfmaq_f32(s11, half, half);
    // The sums are looked at: no round can be left out.
    asm volatile(""
                 : "+w"(s0), "+w"(s1), "+w"(s2), "+w"(s3), "+w"(s4), "+w"(s5), "+w"(s6), "+w"(s7), "+w"(s8),
                   "+w"(s9), "+w"(s10), "+w"(s11));
  }
  return iterations * kSums * kLanes * 2;
}

}  // namespace sizeup
