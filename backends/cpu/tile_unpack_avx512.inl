// Steps of packed blocks as left tile operands, included after vector_avx512.h and block_levels.inl: each
// weight exactly as its format says in float32, then to the nearest bfloat16. The codes of an output lie in a
// row of bytes, as its weights in a row of the tile (CodeOrder::rows).
//
// Rounding is by the instruction of AVX512-BF16, which gives zero for subnormals (below 1.2e-38; only MXFP4
// and Q8_K can say such a weight). No product sees it: the tile instruction reads subnormals as zero.
namespace {

using sizeup::TensorType;
using sizeup::cpu::kStepWeightBytes;

static inline Codes nibbles_of_step(const std::byte* block, int offset, int d) {
  const auto* rows = reinterpret_cast<const __m256i*>(field(block, offset) + 32 * d);
  const __m512i twice = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3),
                                                 _mm512_castsi256_si512(_mm256_loadu_si256(rows)));
  return {_mm512_srlv_epi64(twice, _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4))};
}

// A 16-bit lane has the byte of two outputs: once for the input of its lower nibbles, once for that of the
// upper ones.
static inline Codes paired_nibbles_of_step(const std::byte* block, int offset, int d) {
  const auto* rows = reinterpret_cast<const __m256i*>(field(block, offset) + 32 * d);
  const __m512i upper = _mm512_maskz_set1_epi16(0xFFFF0000, 4);
  return {_mm512_srlv_epi16(_mm512_broadcast_i64x4(_mm256_loadu_si256(rows)), upper)};
}

static inline Codes bits_of_word(const std::byte* block, int offset, int d) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, field(block, offset) + 8 * d, sizeof bits);
  return {_mm512_maskz_set1_epi8(bits, 1)};
}

constexpr int kTileOutputs = kPanelOutputs;
constexpr int kTileRowBytes = 64;

// The factors of the outputs of a tile, for each group of a step.
template <class Format>
struct TileFactors {
  alignas(64) float scale[kGroupsOfStep<Format>][kTileOutputs];
  alignas(64) float offset[kGroupsOfStep<Format>][kTileOutputs];

  TileFactors(const std::byte* block, int s) {
    for (int group = 0; group < kGroupsOfStep<Format>; ++group) {
      const Factors factors = Format::factors(block, s, group);
      store(scale[group], factors.scale);
      if constexpr (Format::kHasOffset != 0) store(offset[group], factors.offset);
    }
  }
  Lanes weights(Lanes levels, int group, int output) const {
    if constexpr (Format::kHasOffset != 0) {
      return fused(levels, broadcast(scale[group][output]), broadcast(offset[group][output]));
    } else {
      return levels * broadcast(scale[group][output]);
    }
  }
};

// bfloat16 of both, a's first.
static inline __m512i rounded_pair(Lanes a, Lanes b) {
  return __builtin_bit_cast(__m512i, _mm512_cvtne2ps_pbh(b.v, a.v));
}

// Step `s` of the blocks of sixteen outputs as a tile: levels as bytes, from there to float32.
template <class Format>
static inline void unpack_tile(const std::byte* block, int s, std::byte* tile) {
  const TileFactors<Format> factors(block, s);
  alignas(64) int8_t levels[kTileOutputs][kStepColumns];
#pragma GCC unroll 8
  for (int d = 0; d < kTileOutputs / 2; ++d) _mm512_store_si512(levels[2 * d], Format::levels(block, s, d).v);
#pragma GCC unroll 16
  for (int output = 0; output < kTileOutputs; ++output) {
    const auto weights = [&](int half) {
      const auto* from = reinterpret_cast<const __m128i*>(levels[output] + kStepColumns / 2 * half);
      return factors.weights(to_float(Codes{_mm512_cvtepi8_epi32(_mm_load_si128(from))}),
                             half * (kGroupsOfStep<Format> - 1), output);
    };
    _mm512_store_si512(tile + output * kTileRowBytes, rounded_pair(weights(0), weights(1)));
  }
}

// The same where codes have at most four bits: the sixteen weights they can mean are computed once and looked
// up. A register holds two such tables, of two outputs or of the two groups of one; indices of the second
// begin at 16. (The instruction that rounds is the dearest here, so that it should round two at once.)
template <class Format>
requires requires {
  Format::kCodeLevels;
}
static inline void unpack_tile(const std::byte* block, int s, std::byte* tile) {
  constexpr int kGroups = kGroupsOfStep<Format>;
  const TileFactors<Format> factors(block, s);
  const __m512i nibble = _mm512_set1_epi16(0x0F);
  const __m512i first_table = _mm512_maskz_set1_epi16(kGroups == 1 ? 0 : 0xFFFF0000, 16);
  const __m512i second_table = _mm512_maskz_set1_epi16(kGroups == 1 ? 0xFFFFFFFF : 0xFFFF0000, 16);
  const Lanes levels = to_float(Codes{
      _mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(Format::kCodeLevels.levels)))});
  const auto tables = [&](int output) {
    return rounded_pair(factors.weights(levels, 0, output),
                        factors.weights(levels, kGroups - 1, output + 2 - kGroups));
  };
  const auto index = [&](__m512i codes, __m512i table) {
    constexpr int kAndOr = 0xEA;  // a & b | c
    return _mm512_ternarylogic_epi64(codes, nibble, table, kAndOr);
  };
#pragma GCC unroll 8
  for (int output = 0; output < kTileOutputs; output += 2) {
    const __m512i codes = Format::codes(block, s, output / 2).v;
    const __m512i pair = tables(output);
    _mm512_store_si512(tile + output * kTileRowBytes,
                       _mm512_permutexvar_epi16(index(codes, first_table), pair));
    _mm512_store_si512(tile + (output + 1) * kTileRowBytes,
                       _mm512_permutexvar_epi16(index(_mm512_srli_epi16(codes, 8), second_table),
                                                kGroups == 1 ? pair : tables(output + 1)));
  }
}

// Bytes that a stream of blocks is asked for ahead of its use, or those of a whole panel of blocks where that
// is more: each step takes from all over it.
constexpr int kBlocksAhead = 2304;

template <class Format>
static void unpack_steps(const std::byte* panel, int first, int end, std::byte* tiles) {
  constexpr int kSteps = Format::kElements / kStepColumns;
  constexpr int kTileBlocks = sizeup::cpu::packed_bytes<Format>() * kTileOutputs;
  constexpr int kStepBytes = 2 * kTileBlocks / kSteps;
  constexpr int kAhead = 2 * kTileBlocks > kBlocksAhead ? 2 * kTileBlocks : kBlocksAhead;
  for (int step = first; step < end; ++step, tiles += kStepWeightBytes) {
    for (int i = 0; i < kStepBytes; i += 64)
      __builtin_prefetch(panel + static_cast<size_t>(step) * kStepBytes + kAhead + i, 0, 3);
    const std::byte* block = panel + static_cast<size_t>(step / kSteps) * (2 * kTileBlocks);
    unpack_tile<Format>(block, step % kSteps, tiles);
    unpack_tile<Format>(block + kTileBlocks, step % kSteps, tiles + kStepWeightBytes / 2);
  }
}

// Steps [first, end) of a panel, as bfloat16 weights lie there (WeightLayout::tiles); `tiles` is 64-byte
// aligned.
static inline void unpack_tiles(TensorType type, const std::byte* panel, int first, int end,
                                std::byte* tiles) {
  switch (type) {
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
      break;  // tiles hold bfloat16, or blocks
    case TensorType::q4_0:
      return unpack_steps<UnpackQ4_0>(panel, first, end, tiles);
    case TensorType::q4_1:
      return unpack_steps<UnpackQ4_1>(panel, first, end, tiles);
    case TensorType::q5_0:
      return unpack_steps<UnpackQ5_0>(panel, first, end, tiles);
    case TensorType::q5_1:
      return unpack_steps<UnpackQ5_1>(panel, first, end, tiles);
    case TensorType::q8_0:
      return unpack_steps<UnpackQ8_0>(panel, first, end, tiles);
    case TensorType::q2_k:
      return unpack_steps<UnpackQ2K>(panel, first, end, tiles);
    case TensorType::q3_k:
      return unpack_steps<UnpackQ3K>(panel, first, end, tiles);
    case TensorType::q4_k:
      return unpack_steps<UnpackQ4K>(panel, first, end, tiles);
    case TensorType::q5_k:
      return unpack_steps<UnpackQ5K>(panel, first, end, tiles);
    case TensorType::q6_k:
      return unpack_steps<UnpackQ6K>(panel, first, end, tiles);
    case TensorType::q8_k:
      return unpack_steps<UnpackQ8K>(panel, first, end, tiles);
    case TensorType::iq4_nl:
      return unpack_steps<UnpackIQ4NL>(panel, first, end, tiles);
    case TensorType::iq4_xs:
      return unpack_steps<UnpackIQ4XS>(panel, first, end, tiles);
    case TensorType::mxfp4:
      return unpack_steps<UnpackMXFP4>(panel, first, end, tiles);
  }
}

}  // namespace
