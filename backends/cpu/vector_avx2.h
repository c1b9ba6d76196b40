// Sixteen lanes in two 256-bit registers: the vocabulary of the generic kernels (*.inl) on AVX2 with FMA and
// F16C. Included by the *_avx2.cpp files alone, which are compiled for it; everything is local to them.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace {

struct Lanes {
  __m256 lo, hi;
};
struct LaneMask {
  __m256 lo, hi;
};

// Sums that the product keeps in registers: outputs x groups of rows. 4 of two registers each: two pipes with
// a latency of 4 cycles need 8 registers, and 4 outputs divide a panel.
constexpr int kBlockFeatures = 4;
constexpr int kBlockGroups = 1;
// The same of the product with few rows: panels x rows.
constexpr int kFewAccumulators = 4;
// Vectors of a value that a delta rule's state goes on with at once: four sums of two registers each.
constexpr int kDeltaVectors = 1;
// Panels that a lone row is multiplied with side by side.
constexpr int kLonePanels = 2;

#define SIZEUP_LANES static inline __attribute__((always_inline))
SIZEUP_LANES Lanes load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
SIZEUP_LANES void store(float* p, Lanes a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
SIZEUP_LANES __m256i first_lanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
SIZEUP_LANES Lanes load_some(const float* p, int n) {
  return {_mm256_maskload_ps(p, first_lanes(n)), _mm256_maskload_ps(p + 8, first_lanes(n - 8))};
}
SIZEUP_LANES void store_some(float* p, Lanes a, int n) {
  _mm256_maskstore_ps(p, first_lanes(n), a.lo);
  _mm256_maskstore_ps(p + 8, first_lanes(n - 8), a.hi);
}
SIZEUP_LANES Lanes broadcast(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
SIZEUP_LANES Lanes zero() {
  return {_mm256_setzero_ps(), _mm256_setzero_ps()};
}
SIZEUP_LANES Lanes operator+(Lanes a, Lanes b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes operator-(Lanes a, Lanes b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes operator*(Lanes a, Lanes b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes operator/(Lanes a, Lanes b) {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes fused(Lanes a, Lanes b, Lanes c) {  // a * b + c
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
// c where the mask is not set.
SIZEUP_LANES Lanes fused_where(LaneMask m, Lanes a, Lanes b, Lanes c) {
  const Lanes sum = fused(a, b, c);
  return {_mm256_blendv_ps(c.lo, sum.lo, m.lo), _mm256_blendv_ps(c.hi, sum.hi, m.hi)};
}
SIZEUP_LANES Lanes maximum(Lanes a, Lanes b) {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes minimum(Lanes a, Lanes b) {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
SIZEUP_LANES Lanes square_root(Lanes a) {
  return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)};
}
SIZEUP_LANES Lanes rounded(Lanes a) {  // to the nearest integer
  constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, kMode), _mm256_round_ps(a.hi, kMode)};
}
SIZEUP_LANES LaneMask greater(Lanes a, Lanes b) {
  return {_mm256_cmp_ps(a.lo, b.lo, _CMP_GT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_GT_OQ)};
}
SIZEUP_LANES Lanes select(LaneMask m, Lanes yes, Lanes no) {
  return {_mm256_blendv_ps(no.lo, yes.lo, m.lo), _mm256_blendv_ps(no.hi, yes.hi, m.hi)};
}
SIZEUP_LANES uint32_t bits(LaneMask m) {
  return static_cast<uint32_t>(_mm256_movemask_ps(m.lo)) | static_cast<uint32_t>(_mm256_movemask_ps(m.hi))
                                                               << 8;
}
SIZEUP_LANES LaneMask mask_of(uint32_t bits) {
  const __m256i places = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const auto half = [&](uint32_t b) {
    return _mm256_castsi256_ps(
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(b)), places), places));
  };
  return {half(bits), half(bits >> 8)};
}
// Lanes i with from[i] <= index < to[i].
SIZEUP_LANES LaneMask between(const int32_t* from, int32_t index, const int32_t* to) {
  const __m256i i = _mm256_set1_epi32(index);
  const auto half = [&](int at) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(to + at));
    return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpgt_epi32(low, i), _mm256_cmpgt_epi32(high, i)));
  };
  return {half(0), half(8)};
}
// a * 2^n for integers n in [-126, 127].
SIZEUP_LANES Lanes scale_by_power(Lanes a, Lanes n) {
  const auto half = [](__m256 x, __m256 power) {
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(x, _mm256_castsi256_ps(exponent));
  };
  return {half(a.lo, n.lo), half(a.hi, n.hi)};
}
// To the nearest bfloat16, ties to even; NaN may become infinite.
SIZEUP_LANES __m256i bfloat_bits(__m256 a) {  // in the upper halves
  const __m256i u = _mm256_castps_si256(a);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  return _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
}
SIZEUP_LANES Lanes to_bfloat(Lanes a) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
  return {_mm256_castsi256_ps(_mm256_and_si256(bfloat_bits(a.lo), upper)),
          _mm256_castsi256_ps(_mm256_and_si256(bfloat_bits(a.hi), upper))};
}
// bfloat16 of a in the even places and of b in the odd ones, for the first n lanes: 4 n bytes.
SIZEUP_LANES void store_bfloat_pairs(void* p, Lanes a, Lanes b, int n) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
  const auto half = [&](__m256 x, __m256 y) {
    return _mm256_castsi256_ps(
        _mm256_or_si256(_mm256_srli_epi32(bfloat_bits(x), 16), _mm256_and_si256(bfloat_bits(y), upper)));
  };
  store_some(static_cast<float*>(p), {half(a.lo, b.lo), half(a.hi, b.hi)}, n);
}
// bfloat16 of the first n lanes: 2 n bytes.
SIZEUP_LANES void store_bfloats(void* p, Lanes a, int n) {
  const __m256i packed =  // the halves' quarters come out as low 0, high 0, low 1, high 1
      _mm256_packus_epi32(_mm256_srli_epi32(bfloat_bits(a.lo), 16), _mm256_srli_epi32(bfloat_bits(a.hi), 16));
  const __m256i ordered = _mm256_permute4x64_epi64(packed, 0b11011000);
  if (n == 16) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), ordered);
    return;
  }
  alignas(32) uint16_t all[16];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), ordered);
  for (int i = 0; i < n; ++i) static_cast<uint16_t*>(p)[i] = all[i];
}
SIZEUP_LANES Lanes load_bfloats(const void* p) {
  const auto half = [](__m128i h) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
  };
  const auto* q = static_cast<const __m128i*>(p);
  return {half(_mm_loadu_si128(q)), half(_mm_loadu_si128(q + 1))};
}
SIZEUP_LANES Lanes load_halves(const void* p) {
  const auto* q = static_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1))};
}

// ---- Quantised codes: a 32-bit integer, or four bytes, in each lane.

struct Codes {
  __m256i lo, hi;
};
SIZEUP_LANES Codes load_codes(const void* p) {
  const auto* q = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
SIZEUP_LANES Codes widen_bytes(const void* p) {  // of sixteen unsigned bytes
  const __m128i all = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return {_mm256_cvtepu8_epi32(all), _mm256_cvtepu8_epi32(_mm_srli_si128(all, 8))};
}
SIZEUP_LANES Codes operator&(Codes a, uint32_t mask) {
  const __m256i m = _mm256_set1_epi32(static_cast<int>(mask));
  return {_mm256_and_si256(a.lo, m), _mm256_and_si256(a.hi, m)};
}
SIZEUP_LANES Codes operator|(Codes a, Codes b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
SIZEUP_LANES Codes operator+(Codes a, Codes b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
SIZEUP_LANES Codes broadcast_code(int32_t x) {
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
SIZEUP_LANES Codes shift_right(Codes a, int bits) {  // zeros come in
  const __m128i n = _mm_cvtsi32_si128(bits);
  return {_mm256_srl_epi32(a.lo, n), _mm256_srl_epi32(a.hi, n)};
}
SIZEUP_LANES Codes shift_left(Codes a, int bits) {
  const __m128i n = _mm_cvtsi32_si128(bits);
  return {_mm256_sll_epi32(a.lo, n), _mm256_sll_epi32(a.hi, n)};
}
SIZEUP_LANES Codes subtract_from_bytes(Codes a, int8_t x) {
  const __m256i all = _mm256_set1_epi8(x);
  return {_mm256_sub_epi8(a.lo, all), _mm256_sub_epi8(a.hi, all)};
}
template <int kByte>
SIZEUP_LANES Codes signed_byte(Codes a) {
  return {_mm256_srai_epi32(_mm256_slli_epi32(a.lo, 24 - 8 * kByte), 24),
          _mm256_srai_epi32(_mm256_slli_epi32(a.hi, 24 - 8 * kByte), 24)};
}
SIZEUP_LANES Lanes to_float(Codes a) {
  return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}
SIZEUP_LANES Lanes as_float(Codes a) {  // the same bits
  return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)};
}

// The levels of codes of four bits. Whatever lies above them in a byte does not matter.
struct LevelTable {
  __m256i v;  // twice the sixteen levels
};
SIZEUP_LANES LevelTable level_table(const int8_t* levels) {
  return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels)))};
}
// What `level` takes, from codes in the four bytes of a lane: their levels, four at a time.
SIZEUP_LANES Codes prepare_codes(LevelTable table, Codes a) {
  const Codes codes = a & 0x0F0F0F0Fu;
  return {_mm256_shuffle_epi8(table.v, codes.lo), _mm256_shuffle_epi8(table.v, codes.hi)};
}
template <int kByte>
SIZEUP_LANES Lanes level(LevelTable, Codes prepared) {
  return to_float(signed_byte<kByte>(prepared));
}
#undef SIZEUP_LANES

}  // namespace
