// Sixteen lanes in one 512-bit register: the vocabulary of the generic kernels (*.inl) on AVX-512. Included
// by the *_avx512.cpp and *_amx.cpp files alone, which are compiled for it; everything is local to them, so
// that no copy can be linked into code for lesser machines.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace {

struct Lanes {
  __m512 v;
};
struct LaneMask {
  __mmask16 m;
};

// Sums that the product keeps in registers: outputs x groups of rows. 16 of 32 registers: two pipes with a
// latency of 4 cycles need 8, and 8 outputs divide a panel.
constexpr int kBlockFeatures = 8;
constexpr int kBlockGroups = 2;
// The same of the product with few rows: panels x rows.
constexpr int kFewAccumulators = 16;
// Vectors of a value that a delta rule's state goes on with at once: with four sums of each the pipes are
// full.
constexpr int kDeltaVectors = 2;
// Panels that a lone row is multiplied with side by side.
constexpr int kLonePanels = 4;

#define SIZEUP_LANES static inline __attribute__((always_inline))
SIZEUP_LANES Lanes load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
SIZEUP_LANES void store(float* p, Lanes a) {
  _mm512_storeu_ps(p, a.v);
}
SIZEUP_LANES Lanes load_some(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p)};
}
SIZEUP_LANES void store_some(float* p, Lanes a, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a.v);
}
SIZEUP_LANES Lanes broadcast(float x) {
  return {_mm512_set1_ps(x)};
}
SIZEUP_LANES Lanes zero() {
  return {_mm512_setzero_ps()};
}
SIZEUP_LANES Lanes operator+(Lanes a, Lanes b) {
  return {_mm512_add_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes operator-(Lanes a, Lanes b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes operator*(Lanes a, Lanes b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes operator/(Lanes a, Lanes b) {
  return {_mm512_div_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes fused(Lanes a, Lanes b, Lanes c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}  // a * b + c
// c where the mask is not set.
SIZEUP_LANES Lanes fused_where(LaneMask m, Lanes a, Lanes b, Lanes c) {
  return {_mm512_mask3_fmadd_ps(a.v, b.v, c.v, m.m)};
}
SIZEUP_LANES Lanes maximum(Lanes a, Lanes b) {
  return {_mm512_max_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes minimum(Lanes a, Lanes b) {
  return {_mm512_min_ps(a.v, b.v)};
}
SIZEUP_LANES Lanes square_root(Lanes a) {
  return {_mm512_sqrt_ps(a.v)};
}
SIZEUP_LANES Lanes rounded(Lanes a) {  // to the nearest integer
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
SIZEUP_LANES LaneMask greater(Lanes a, Lanes b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)};
}
SIZEUP_LANES Lanes select(LaneMask m, Lanes yes, Lanes no) {
  return {_mm512_mask_blend_ps(m.m, no.v, yes.v)};
}
SIZEUP_LANES uint32_t bits(LaneMask m) {
  return m.m;
}
SIZEUP_LANES LaneMask mask_of(uint32_t bits) {
  return {static_cast<__mmask16>(bits)};
}
// Lanes i with from[i] <= index < to[i].
SIZEUP_LANES LaneMask between(const int32_t* from, int32_t index, const int32_t* to) {
  const __m512i i = _mm512_set1_epi32(index);
  return {_mm512_mask_cmplt_epi32_mask(_mm512_cmple_epi32_mask(_mm512_loadu_si512(from), i), i,
                                       _mm512_loadu_si512(to))};
}
// a * 2^n for integers n in [-126, 127].
SIZEUP_LANES Lanes scale_by_power(Lanes a, Lanes n) {
  return {_mm512_scalef_ps(a.v, n.v)};
}
// To the nearest bfloat16, ties to even, in float32. By integers: the conversion instruction flushes
// subnormals, which only a part of the machines has. NaN may become infinite.
SIZEUP_LANES __m512i bfloat_bits(Lanes a) {  // in the upper halves
  const __m512i u = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
}
SIZEUP_LANES Lanes to_bfloat(Lanes a) {
  return {
      _mm512_castsi512_ps(_mm512_and_si512(bfloat_bits(a), _mm512_set1_epi32(static_cast<int>(0xFFFF0000))))};
}
// bfloat16 of a in the even places and of b in the odd ones, for the first n lanes: 4 n bytes.
SIZEUP_LANES void store_bfloat_pairs(void* p, Lanes a, Lanes b, int n) {
  const __m512i both =
      _mm512_or_si512(_mm512_srli_epi32(bfloat_bits(a), 16),
                      _mm512_and_si512(bfloat_bits(b), _mm512_set1_epi32(static_cast<int>(0xFFFF0000))));
  _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << n) - 1), both);
}
// bfloat16 of the first n lanes: 2 n bytes.
SIZEUP_LANES void store_bfloats(void* p, Lanes a, int n) {
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << n) - 1),
                           _mm512_cvtepi32_epi16(_mm512_srli_epi32(bfloat_bits(a), 16)));
}
SIZEUP_LANES Lanes load_bfloats(const void* p) {
  return {_mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))), 16))};
}
SIZEUP_LANES Lanes load_halves(const void* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)))};
}

// ---- Quantised codes: a 32-bit integer, or four bytes, in each lane.

struct Codes {
  __m512i v;
};
SIZEUP_LANES Codes load_codes(const void* p) {
  return {_mm512_loadu_si512(p)};
}
SIZEUP_LANES Codes widen_bytes(const void* p) {  // of sixteen unsigned bytes
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)))};
}
SIZEUP_LANES Codes operator&(Codes a, uint32_t mask) {
  return {_mm512_and_si512(a.v, _mm512_set1_epi32(static_cast<int>(mask)))};
}
SIZEUP_LANES Codes operator|(Codes a, Codes b) {
  return {_mm512_or_si512(a.v, b.v)};
}
SIZEUP_LANES Codes operator+(Codes a, Codes b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
SIZEUP_LANES Codes broadcast_code(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
SIZEUP_LANES Codes shift_right(Codes a, int bits) {  // zeros come in
  return {_mm512_srl_epi32(a.v, _mm_cvtsi32_si128(bits))};
}
SIZEUP_LANES Codes shift_left(Codes a, int bits) {
  return {_mm512_sll_epi32(a.v, _mm_cvtsi32_si128(bits))};
}
SIZEUP_LANES Codes subtract_from_bytes(Codes a, int8_t x) {
  return {_mm512_sub_epi8(a.v, _mm512_set1_epi8(x))};
}
template <int kByte>
SIZEUP_LANES Codes signed_byte(Codes a) {
  return {_mm512_srai_epi32(_mm512_slli_epi32(a.v, 24 - 8 * kByte), 24)};
}
SIZEUP_LANES Lanes to_float(Codes a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
SIZEUP_LANES Lanes as_float(Codes a) {  // the same bits
  return {_mm512_castsi512_ps(a.v)};
}

// The levels of codes of four bits. Whatever lies above them in a byte does not matter.
struct LevelTable {
  __m512 v;
};
SIZEUP_LANES LevelTable level_table(const int8_t* levels) {
  return {
      _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(levels))))};
}
// What `level` takes, from codes in the four bytes of a lane: a permutation looks at the lowest bits itself.
SIZEUP_LANES Codes prepare_codes(LevelTable, Codes a) {
  return a;
}
template <int kByte>
SIZEUP_LANES Lanes level(LevelTable table, Codes prepared) {
  return {_mm512_permutexvar_ps(_mm512_srli_epi32(prepared.v, 8 * kByte), table.v)};
}
#undef SIZEUP_LANES

}  // namespace
