#include <arm_neon.h>

#include "backends/cpu/peak_loops.h"

namespace sizeup {

int64_t peak_loop_neon_bf16(int64_t iterations) {
  constexpr int kProducts = 2 * 2 * 4;
  // As for float32: sums enough for the latency, and not an array.
  constexpr int kSums = 12;
  // Hidden: GCC 12 takes the constant for one of float16, whose instructions the processor need not have.
  uint16x8_t halves = vdupq_n_u16(0x3F00);
  asm("" : "+w"(halves));
  const bfloat16x8_t half = vreinterpretq_bf16_u16(halves);
  const float32x4_t zero = vdupq_n_f32(0.0F);
  float32x4_t s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero,
              s8 = zero, s9 = zero, s10 = zero, s11 = zero;
  for (int64_t i = 0; i < iterations; ++i) {
    s0 = vbfmmlaq_f32(s0, half, half);
    s1 = vbfmmlaq_f32(s1, half, half);
    s2 = vbfmmlaq_f32(s2, half, half);
    s3 = vbfmmlaq_f32(s3, half, half);
    s4 = vbfmmlaq_f32(s4, half, half);
    s5 = vbfmmlaq_f32(s5, half, half);
    s6 = vbfmmlaq_f32(s6, half, half);
    s7 = vbfmmlaq_f32(s7, half, half);
    s8 = vbfmmlaq_f32(s8, half, half);
    s9 = vbfmmlaq_f32(s9, half, half);
    s10 = vbfmmlaq_f32(s10, half, half);
    s11 = vbfmmlaq_f32(s11, half, half);
    // The sums are looked at: no round can be left out.
    asm volatile(""
                 : "+w"(s0), "+w"(s1), "+w"(s2), "+w"(s3), "+w"(s4), "+w"(s5), "+w"(s6), "+w"(s7), "+w"(s8),
                   "+w"(s9), "+w"(s10), "+w"(s11));
  }
  return iterations * kSums * kProducts * 2;
}

}  // namespace sizeup
