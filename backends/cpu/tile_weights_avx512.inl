// Weights of tile attention by the conversion instruction of AVX512-BF16, included after vector_avx512.h. It
// flushes denormals, of which weights have none, and takes 3 instructions, where rounding by integers
// takes 11.
namespace {

static inline __attribute__((always_inline)) void store_weights(void* p, Lanes even, Lanes odd) {
  const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                         22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const auto both = __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(odd.v, even.v));
  _mm512_storeu_si512(p, _mm512_permutexvar_epi16(pairs, both));
}

}  // namespace
