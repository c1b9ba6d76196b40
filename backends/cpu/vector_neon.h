// Sixteen floats as four 128-bit registers, with the operations that the kernels are written in. Included by
// the *_neon.cpp files alone; everything is local to them. Each operation gives the bits of vector_avx2.h.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr int kQuads = 4;  // registers of a vector

struct Lanes {
  float32x4_t q[kQuads];
};
struct LaneMask {
  uint32x4_t q[kQuads];
};

// Sums that the product keeps in registers: outputs x groups of rows. 4 of four registers each, of 32.
constexpr int kBlockFeatures = 4;
constexpr int kBlockGroups = 1;
// The same of the product with few rows: panels x rows.
constexpr int kFewAccumulators = 4;
// Vectors of a value that a delta rule's state goes on with at once: four sums of four registers each.
constexpr int kDeltaVectors = 1;
// Panels that a lone row is multiplied with side by side.
constexpr int kLonePanels = 2;

#define SIZEUP_LANES static inline __attribute__((always_inline))
// The vector whose registers are of(0), of(1), ...
template <typename Vector, typename Function>
SIZEUP_LANES Vector each(Function of) {
  return {{of(0), of(1), of(2), of(3)}};
}

SIZEUP_LANES Lanes load(const float* p) {
  return each<Lanes>([&](int i) { return vld1q_f32(p + 4 * i); });
}
SIZEUP_LANES void store(float* p, Lanes a) {
  for (int i = 0; i < kQuads; ++i) vst1q_f32(p + 4 * i, a.q[i]);
}
SIZEUP_LANES Lanes load_some(const float* p, int n) {
  float all[4 * kQuads] = {};
  for (int i = 0; i < n; ++i) all[i] = p[i];
  return load(all);
}
SIZEUP_LANES void store_some(float* p, Lanes a, int n) {
  float all[4 * kQuads];
  store(all, a);
  // Bits rather than values: the lanes may hold pairs of bfloat16.
  if (n > 0) __builtin_memcpy(p, all, sizeof(float) * static_cast<size_t>(n));
}
SIZEUP_LANES Lanes broadcast(float x) {
  return each<Lanes>([&](int) { return vdupq_n_f32(x); });
}
SIZEUP_LANES Lanes zero() {
  return broadcast(0.0F);
}
SIZEUP_LANES Lanes operator+(Lanes a, Lanes b) {
  return each<Lanes>([&](int i) { return vaddq_f32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Lanes operator-(Lanes a, Lanes b) {
  return each<Lanes>([&](int i) { return vsubq_f32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Lanes operator*(Lanes a, Lanes b) {
  return each<Lanes>([&](int i) { return vmulq_f32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Lanes operator/(Lanes a, Lanes b) {
  return each<Lanes>([&](int i) { return vdivq_f32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Lanes fused(Lanes a, Lanes b, Lanes c) {  // a * b + c
  return each<Lanes>([&](int i) { return vfmaq_f32(c.q[i], a.q[i], b.q[i]); });
}
SIZEUP_LANES LaneMask greater(Lanes a, Lanes b) {
  return each<LaneMask>([&](int i) { return vcgtq_f32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Lanes select(LaneMask m, Lanes yes, Lanes no) {
  return each<Lanes>([&](int i) { return vbslq_f32(m.q[i], yes.q[i], no.q[i]); });
}
// c where the mask is not set.
SIZEUP_LANES Lanes fused_where(LaneMask m, Lanes a, Lanes b, Lanes c) {
  return select(m, fused(a, b, c), c);
}
// b where either is NaN, as on x86-64; vmaxq and vminq would give NaN.
SIZEUP_LANES Lanes maximum(Lanes a, Lanes b) {
  return select(greater(a, b), a, b);
}
SIZEUP_LANES Lanes minimum(Lanes a, Lanes b) {
  return select(greater(b, a), a, b);
}
SIZEUP_LANES Lanes square_root(Lanes a) {
  return each<Lanes>([&](int i) { return vsqrtq_f32(a.q[i]); });
}
SIZEUP_LANES Lanes rounded(Lanes a) {  // to the nearest integer
  return each<Lanes>([&](int i) { return vrndnq_f32(a.q[i]); });
}
SIZEUP_LANES uint32x4_t places() {
  const uint32_t values[] = {1, 2, 4, 8};
  return vld1q_u32(values);
}
SIZEUP_LANES uint32_t bits(LaneMask m) {
  uint32_t all = 0;
  for (int i = 0; i < kQuads; ++i) all |= vaddvq_u32(vandq_u32(m.q[i], places())) << (4 * i);
  return all;
}
SIZEUP_LANES LaneMask mask_of(uint32_t bits) {
  return each<LaneMask>([&](int i) { return vtstq_u32(vdupq_n_u32(bits >> (4 * i)), places()); });
}
// Lanes i with from[i] <= index < to[i].
SIZEUP_LANES LaneMask between(const int32_t* from, int32_t index, const int32_t* to) {
  const int32x4_t at = vdupq_n_s32(index);
  return each<LaneMask>([&](int i) {
    return vandq_u32(vcleq_s32(vld1q_s32(from + 4 * i), at), vcgtq_s32(vld1q_s32(to + 4 * i), at));
  });
}
// a * 2^n for integers n in [-126, 127].
SIZEUP_LANES Lanes scale_by_power(Lanes a, Lanes n) {
  return each<Lanes>([&](int i) {
    const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n.q[i]), vdupq_n_s32(127)), 23);
    return vmulq_f32(a.q[i], vreinterpretq_f32_s32(exponent));
  });
}
// To the nearest bfloat16, ties to even; NaN may become infinite.
SIZEUP_LANES uint32x4_t bfloat_bits(float32x4_t a) {  // in the upper halves
  const uint32x4_t u = vreinterpretq_u32_f32(a);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
  return vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
}
SIZEUP_LANES Lanes to_bfloat(Lanes a) {
  return each<Lanes>(
      [&](int i) { return vreinterpretq_f32_u32(vandq_u32(bfloat_bits(a.q[i]), vdupq_n_u32(0xFFFF0000))); });
}
// bfloat16 of a in the even places and of b in the odd ones, for the first n lanes: 4 n bytes.
SIZEUP_LANES void store_bfloat_pairs(void* p, Lanes a, Lanes b, int n) {
  const Lanes pairs = each<Lanes>([&](int i) {
    const uint32x4_t odd = vandq_u32(bfloat_bits(b.q[i]), vdupq_n_u32(0xFFFF0000));
    return vreinterpretq_f32_u32(vorrq_u32(vshrq_n_u32(bfloat_bits(a.q[i]), 16), odd));
  });
  store_some(static_cast<float*>(p), pairs, n);
}
// bfloat16 of the first n lanes: 2 n bytes.
SIZEUP_LANES void store_bfloats(void* p, Lanes a, int n) {
  uint16_t all[4 * kQuads];
  for (int i = 0; i < kQuads; ++i) vst1_u16(all + 4 * i, vshrn_n_u32(bfloat_bits(a.q[i]), 16));
  if (n > 0) __builtin_memcpy(p, all, sizeof(uint16_t) * static_cast<size_t>(n));
}
SIZEUP_LANES uint16x4_t load_quad_of_halves(const void* p, int i) {
  uint16x4_t quad;
  __builtin_memcpy(&quad, static_cast<const std::byte*>(p) + 8 * i, sizeof quad);
  return quad;
}
SIZEUP_LANES Lanes load_bfloats(const void* p) {
  return each<Lanes>(
      [&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(load_quad_of_halves(p, i), 16)); });
}
SIZEUP_LANES Lanes load_halves(const void* p) {
  return each<Lanes>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(load_quad_of_halves(p, i))); });
}

// ---- Quantised codes: a 32-bit integer, or four bytes, in each lane.

struct Codes {
  uint32x4_t q[kQuads];
};
SIZEUP_LANES Codes load_codes(const void* p) {
  const auto* bytes = static_cast<const uint8_t*>(p);
  return each<Codes>([&](int i) { return vreinterpretq_u32_u8(vld1q_u8(bytes + 16 * i)); });
}
SIZEUP_LANES Codes widen_bytes(const void* p) {  // of sixteen unsigned bytes
  const uint8x16_t all = vld1q_u8(static_cast<const uint8_t*>(p));
  const uint16x8_t low = vmovl_u8(vget_low_u8(all));
  const uint16x8_t high = vmovl_u8(vget_high_u8(all));
  return {{vmovl_u16(vget_low_u16(low)), vmovl_u16(vget_high_u16(low)), vmovl_u16(vget_low_u16(high)),
           vmovl_u16(vget_high_u16(high))}};
}
SIZEUP_LANES Codes operator&(Codes a, uint32_t mask) {
  return each<Codes>([&](int i) { return vandq_u32(a.q[i], vdupq_n_u32(mask)); });
}
SIZEUP_LANES Codes operator|(Codes a, Codes b) {
  return each<Codes>([&](int i) { return vorrq_u32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Codes operator+(Codes a, Codes b) {
  return each<Codes>([&](int i) { return vaddq_u32(a.q[i], b.q[i]); });
}
SIZEUP_LANES Codes broadcast_code(int32_t x) {
  return each<Codes>([&](int) { return vdupq_n_u32(static_cast<uint32_t>(x)); });
}
SIZEUP_LANES Codes shift_left(Codes a, int bits) {
  return each<Codes>([&](int i) { return vshlq_u32(a.q[i], vdupq_n_s32(bits)); });
}
SIZEUP_LANES Codes shift_right(Codes a, int bits) {  // zeros come in
  return shift_left(a, -bits);
}
SIZEUP_LANES Codes subtract_from_bytes(Codes a, int8_t x) {
  return each<Codes>(
      [&](int i) { return vreinterpretq_u32_s8(vsubq_s8(vreinterpretq_s8_u32(a.q[i]), vdupq_n_s8(x))); });
}
template <int kByte>
SIZEUP_LANES Codes signed_byte(Codes a) {
  return each<Codes>([&](int i) {
    const int32x4_t top = vreinterpretq_s32_u32(vshlq_n_u32(a.q[i], 24 - 8 * kByte));
    return vreinterpretq_u32_s32(vshrq_n_s32(top, 24));
  });
}
SIZEUP_LANES Lanes to_float(Codes a) {
  return each<Lanes>([&](int i) { return vcvtq_f32_s32(vreinterpretq_s32_u32(a.q[i])); });
}
SIZEUP_LANES Lanes as_float(Codes a) {  // the same bits
  return each<Lanes>([&](int i) { return vreinterpretq_f32_u32(a.q[i]); });
}

// The levels of codes of four bits. Whatever lies above them in a byte does not matter.
struct LevelTable {
  int8x16_t v;
};
SIZEUP_LANES LevelTable level_table(const int8_t* levels) {
  return {vld1q_s8(levels)};
}
// What `level` takes, from codes in the four bytes of a lane: their levels, four at a time.
SIZEUP_LANES Codes prepare_codes(LevelTable table, Codes a) {
  const Codes codes = a & 0x0F0F0F0Fu;
  return each<Codes>(
      [&](int i) { return vreinterpretq_u32_s8(vqtbl1q_s8(table.v, vreinterpretq_u8_u32(codes.q[i]))); });
}
template <int kByte>
SIZEUP_LANES Lanes level(LevelTable, Codes prepared) {
  return to_float(signed_byte<kByte>(prepared));
}
#undef SIZEUP_LANES

}  // namespace
