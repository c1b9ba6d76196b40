// A step of packed weights (kStepColumns inputs of a panel's sixteen outputs) as float32 in the cache,
// included after a vector_*.h. Lanes are outputs. A quantised weight is a level times a scale, or that plus a
// minimum in one rounding, exactly as in backends/engine/formats/blocks.h, where the formats are described.
namespace {

using sizeup::TensorType;
using sizeup::cpu::kStepColumns;
namespace blocks = sizeup::blocks;

constexpr int kPanelOutputs = 16;
static_assert(kPanelOutputs == sizeup::cpu::kLanes, "a register holds an element of all outputs of a panel");

// Byte `offset` of a block in the file is here in the panel's block (packed_fields.h).
static inline const std::byte* field(const std::byte* block, int offset) {
  return block + offset * kPanelOutputs;
}
static inline Codes codes_at(const std::byte* block, int offset, int index) {
  return load_codes(field(block, offset + 4 * index));
}
static inline Codes byte_at(const std::byte* block, int offset, int index) {
  return widen_bytes(field(block, offset + index));
}
static inline Lanes half_at(const std::byte* block, int offset) {
  return load_halves(field(block, offset));
}

struct Factors {
  Lanes scale;
  Lanes offset;
};

constexpr uint32_t kNibbles = 0x0F0F0F0F;
constexpr uint32_t kBits = 0x01010101;
constexpr uint32_t kBitPairs = 0x03030303;

// Each format inherits its constants and says, for step `s` of a block,
//   factors(block, s, group)  the scale and the offset of a group of the step
// and of the inputs 4 d to 4 d + 3, in the four bytes of a lane, either
//   levels(block, s, d)       their levels as signed bytes, or
//   codes(block, s, d)        their codes in the lowest four bits of a byte, whose levels are in kCodeLevels

// Codes of the inputs 0 to 15 of a step are the lower nibbles of sixteen bytes, of 16 to 31 the upper ones.
static inline Codes nibbles_of_step(const std::byte* block, int offset, int d) {
  return shift_right(codes_at(block, offset, d % 4), d / 4 * 4);
}

// Codes of a step are all lower nibbles of 32 bytes, of the next step all upper ones.
static inline Codes nibbles_of_two_steps(const std::byte* block, int offset, int s, int d) {
  return shift_right(codes_at(block, offset, s / 2 * 8 + d), s % 2 * 4);
}

// Two bits of four steps lie in the same 32 bytes; one bit of eight steps does.
static inline Codes pairs_of_four_steps(const std::byte* block, int offset, int s, int d) {
  return shift_right(codes_at(block, offset, s / 4 * 8 + d), s % 4 * 2);
}
static inline Codes bits_of_eight_steps(const std::byte* block, int offset, int s, int d) {
  return shift_right(codes_at(block, offset, d), s) & kBits;
}

// Bits 4 d to 4 d + 3 of the word at `offset`, each in a byte.
static inline Codes bits_of_word(const std::byte* block, int offset, int d) {
  Codes bits = shift_right(codes_at(block, offset, 0), 4 * d) & 0xFu;
  bits = (bits | shift_left(bits, 14)) & 0x00030003u;
  return (bits | shift_left(bits, 7)) & kBits;
}

// Scales and offsets of six bits, eight of each in twelve bytes.
static inline Factors six_bit_factors(const std::byte* block, int offset, int s) {
  Codes scale, minimum;
  if (s < 4) {
    scale = byte_at(block, offset, s) & 63u;
    minimum = byte_at(block, offset, s + 4) & 63u;
  } else {
    const Codes low = byte_at(block, offset, s + 4);
    scale = (low & 0xFu) | shift_left(shift_right(byte_at(block, offset, s - 4), 6), 4);
    minimum = shift_right(low, 4) | shift_left(shift_right(byte_at(block, offset, s), 6), 4);
  }
  return {to_float(scale), to_float(minimum)};
}

static inline Factors scaled(const std::byte* block, int scale, Lanes factor) {
  return {half_at(block, scale) * factor, zero()};
}
static inline Factors scaled(const std::byte* block, int scale, int offset, const Factors& factors) {
  return {half_at(block, scale) * factors.scale, zero() - half_at(block, offset) * factors.offset};
}

// The levels of all codes of four bits.
struct CodeLevels {
  alignas(16) int8_t levels[16];
};
template <class Level>
constexpr CodeLevels code_levels(const Level& level) {
  CodeLevels table{};
  for (int code = 0; code < 16; ++code) table.levels[code] = static_cast<int8_t>(level(code));
  return table;
}
constexpr CodeLevels kCodes = code_levels([](int code) { return code; });
constexpr CodeLevels kCenteredCodes = code_levels([](int code) { return code - 8; });
constexpr CodeLevels kLowerPairs = code_levels([](int code) { return code % 4; });
constexpr CodeLevels kNonLinearLevels = code_levels(blocks::non_linear_level);
constexpr CodeLevels kDoubledE2m1 = code_levels(blocks::doubled_e2m1);

struct UnpackQ4_0 : blocks::Q4_0 {
  static constexpr const CodeLevels& kCodeLevels = kCenteredCodes;
  static Codes codes(const std::byte* block, int, int d) { return nibbles_of_step(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackQ4_1 : blocks::Q4_1 {
  static constexpr const CodeLevels& kCodeLevels = kCodes;
  static Codes codes(const std::byte* block, int, int d) { return nibbles_of_step(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) {
    return {half_at(block, kScale), half_at(block, kOffset)};
  }
};

struct UnpackQ5_0 : blocks::Q5_0 {
  static Codes levels(const std::byte* block, int, int d) {
    const Codes fifth = shift_left(bits_of_word(block, kFifthBits, d), 4);
    return subtract_from_bytes((nibbles_of_step(block, kLevels, d) & kNibbles) | fifth, 16);
  }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackQ5_1 : blocks::Q5_1 {
  static Codes levels(const std::byte* block, int, int d) {
    return (nibbles_of_step(block, kLevels, d) & kNibbles) |
           shift_left(bits_of_word(block, kFifthBits, d), 4);
  }
  static Factors factors(const std::byte* block, int, int) {
    return {half_at(block, kScale), half_at(block, kOffset)};
  }
};

struct UnpackQ8_0 : blocks::Q8_0 {
  static Codes levels(const std::byte* block, int, int d) { return codes_at(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackQ2K : blocks::Q2K {
  static constexpr const CodeLevels& kCodeLevels = kLowerPairs;
  static Codes codes(const std::byte* block, int s, int d) {
    return pairs_of_four_steps(block, kLevels, s, d);
  }
  static Factors factors(const std::byte* block, int s, int group) {
    const Codes both = byte_at(block, kFactors, 2 * s + group);
    return scaled(block, kScale, kOffset, {to_float(both & 0xFu), to_float(shift_right(both, 4))});
  }
};

struct UnpackQ3K : blocks::Q3K {
  static Codes levels(const std::byte* block, int s, int d) {
    const Codes third = shift_left(bits_of_eight_steps(block, kThirdBits, s, d), 2);
    return subtract_from_bytes((pairs_of_four_steps(block, kLevels, s, d) & kBitPairs) | third, 4);
  }
  static Factors factors(const std::byte* block, int s, int group) {
    const int index = 2 * s + group;
    const Codes low = shift_right(byte_at(block, kFactors, index % 8), index / 8 * 4) & 0xFu;
    const Codes high = shift_right(byte_at(block, kFactors, 8 + index % 4), index / 4 * 2) & 3u;
    return scaled(block, kScale, to_float((low | shift_left(high, 4)) + broadcast_code(-32)));
  }
};

struct UnpackQ4K : blocks::Q4K {
  static constexpr const CodeLevels& kCodeLevels = kCodes;
  static Codes codes(const std::byte* block, int s, int d) {
    return nibbles_of_two_steps(block, kLevels, s, d);
  }
  static Factors factors(const std::byte* block, int s, int) {
    return scaled(block, kScale, kOffset, six_bit_factors(block, kFactors, s));
  }
};

struct UnpackQ5K : blocks::Q5K {
  static Codes levels(const std::byte* block, int s, int d) {
    return (nibbles_of_two_steps(block, kLevels, s, d) & kNibbles) |
           shift_left(bits_of_eight_steps(block, kFifthBits, s, d), 4);
  }
  static Factors factors(const std::byte* block, int s, int) {
    return scaled(block, kScale, kOffset, six_bit_factors(block, kFactors, s));
  }
};

struct UnpackQ6K : blocks::Q6K {
  static Codes levels(const std::byte* block, int s, int d) {
    const int word = s / 4 * 16 + s % 2 * 8 + d;  // by four steps: lower nibbles of two, then upper ones
    const Codes low = shift_right(codes_at(block, kLevels, word), s / 2 % 2 * 4) & kNibbles;
    const Codes high = pairs_of_four_steps(block, kHighBits, s, d) & kBitPairs;
    return subtract_from_bytes(low | shift_left(high, 4), 32);
  }
  static Factors factors(const std::byte* block, int s, int group) {
    return scaled(block, kScale, to_float(signed_byte<0>(byte_at(block, kFactors, 2 * s + group))));
  }
};

struct UnpackQ8K : blocks::Q8K {
  static Codes levels(const std::byte* block, int s, int d) { return codes_at(block, kLevels, 8 * s + d); }
  static Factors factors(const std::byte* block, int, int) {
    return {as_float(codes_at(block, kScale, 0)), zero()};
  }
};

struct UnpackIQ4NL : blocks::IQ4NL {
  static constexpr const CodeLevels& kCodeLevels = kNonLinearLevels;
  static Codes codes(const std::byte* block, int, int d) { return nibbles_of_step(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackIQ4XS : blocks::IQ4XS {
  static constexpr const CodeLevels& kCodeLevels = kNonLinearLevels;
  static Codes codes(const std::byte* block, int s, int d) {
    return nibbles_of_step(block, kLevels + 16 * s, d);
  }
  static Factors factors(const std::byte* block, int s, int) {
    const Codes low = shift_right(byte_at(block, kLowFactors, s / 2), s % 2 * 4) & 0xFu;
    const Codes high = shift_right(byte_at(block, kHighFactors, s / 4), s % 4 * 2) & 3u;
    return scaled(block, kScale, to_float((low | shift_left(high, 4)) + broadcast_code(-32)));
  }
};

struct UnpackMXFP4 : blocks::MXFP4 {
  static constexpr const CodeLevels& kCodeLevels = kDoubledE2m1;
  static Codes codes(const std::byte* block, int, int d) { return nibbles_of_step(block, kLevels, d); }
  // 2^(byte - 128) as two powers that a float holds as normal numbers; their product is exact.
  static Factors factors(const std::byte* block, int, int) {
    const Codes exponent = byte_at(block, kScale, 0);
    const Codes half = shift_right(exponent, 1);
    const Codes rest = half + (exponent & 1u);
    const auto power = [](Codes e) { return as_float(shift_left(e + broadcast_code(127 - 64), 23)); };
    return {power(half) * power(rest), zero()};
  }
};

template <class Format>
constexpr int kGroupsOfStep = Format::kGroup < kStepColumns ? kStepColumns / Format::kGroup : 1;

template <class Format>
static inline const std::byte* block_of_step(const std::byte* panel, int step) {
  return panel +
         step / (Format::kElements / kStepColumns) * (sizeup::cpu::packed_bytes<Format>() * kPanelOutputs);
}

// The four levels of a word.
template <class Format>
struct Levels {
  Codes bytes;
  Levels(const std::byte* block, int s, int d) : bytes(Format::levels(block, s, d)) {}
  template <int kByte>
  Lanes get() const {
    return to_float(signed_byte<kByte>(bytes));
  }
};
template <class Format>
requires requires {
  Format::kCodeLevels;
}
struct Levels<Format> {
  LevelTable table = level_table(Format::kCodeLevels.levels);
  Codes prepared;
  Levels(const std::byte* block, int s, int d) : prepared(prepare_codes(table, Format::codes(block, s, d))) {}
  template <int kByte>
  Lanes get() const {
    return level<kByte>(table, prepared);
  }
};

// put(panel, input, weights) for all inputs of a step of kPanels panels, which take turns, so that what is
// done with them makes independent chains.
template <class Format, int kPanels, class Put>
static inline __attribute__((always_inline)) void each_weight(const std::byte* const* panels, int step,
                                                              const Put& put) {
  constexpr int kWords = kStepColumns / 4 / kGroupsOfStep<Format>;  // of four levels
  const int s = step % (Format::kElements / kStepColumns);
  const std::byte* block[kPanels];
  for (int p = 0; p < kPanels; ++p) block[p] = block_of_step<Format>(panels[p], step);
  for (int group = 0; group < kGroupsOfStep<Format>; ++group) {
    Factors factors[kPanels];
    for (int p = 0; p < kPanels; ++p) factors[p] = Format::factors(block[p], s, group);
#pragma GCC unroll 8
    for (int i = 0; i < kWords; ++i) {
#pragma GCC unroll 4
      for (int p = 0; p < kPanels; ++p) {
        const int word = group * kWords + i;
        const Levels<Format> levels(block[p], s, word);
        const auto weight = [&](Lanes level) {
          if constexpr (Format::kHasOffset != 0) {
            return fused(level, factors[p].scale, factors[p].offset);
          } else {
            return level * factors[p].scale;
          }
        };
        put(p, 4 * word, weight(levels.template get<0>()));
        put(p, 4 * word + 1, weight(levels.template get<1>()));
        put(p, 4 * word + 2, weight(levels.template get<2>()));
        put(p, 4 * word + 3, weight(levels.template get<3>()));
      }
    }
  }
}

// ---- Plain weights

struct PlainFloat {
  static constexpr int kBytes = 4;
  static Lanes weights(const std::byte* from) { return load(reinterpret_cast<const float*>(from)); }
};
struct PlainHalf {
  static constexpr int kBytes = 2;
  static Lanes weights(const std::byte* from) { return load_halves(from); }
};
struct PlainBfloat {
  static constexpr int kBytes = 2;
  static Lanes weights(const std::byte* from) { return load_bfloats(from); }
};

template <class Format, int kPanels, class Put>
requires requires {
  &Format::weights;
}
static inline __attribute__((always_inline)) void each_weight(const std::byte* const* panels, int step,
                                                              const Put& put) {
  constexpr int kBytes = Format::kBytes * kPanelOutputs;
#pragma GCC unroll 8
  for (int i = 0; i < kStepColumns; ++i) {
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p)
      put(p, i, Format::weights(panels[p] + (step * kStepColumns + i) * kBytes));
  }
}

// ---- What is done with them

template <bool kRounds>
static inline Lanes rounded_if(Lanes weights) {
  return kRounds ? to_bfloat(weights) : weights;
}

// A step of a panel as float32; out: [kStepColumns][kPanelOutputs], 64-byte aligned.
template <class Format, bool kRounds>
static void unpack_step(const std::byte* panel, int step, float* out) {
  each_weight<Format, 1>(
      &panel, step, [out](int, int input, Lanes weights) __attribute__((always_inline)) {
        store(out + input * kPanelOutputs, rounded_if<kRounds>(weights));
      });
}

// A step of kLonePanels panels times one row, onto the sums of each panel's outputs.
template <class Format, bool kRounds>
static void multiply_lone_step(const std::byte* const* panels, int step, const float* x, Lanes* sums) {
  Lanes acc[kLonePanels];
  for (int p = 0; p < kLonePanels; ++p) acc[p] = sums[p];
  each_weight<Format, kLonePanels>(
      panels, step, [&acc, x ](int p, int input, Lanes weights) __attribute__((always_inline)) {
        acc[p] = fused(rounded_if<kRounds>(weights), broadcast(x[input]), acc[p]);
      });
  for (int p = 0; p < kLonePanels; ++p) sums[p] = acc[p];
}

struct Unpacking {
  void (*unpack)(const std::byte* panel, int step, float* out) = nullptr;
  void (*multiply_lone)(const std::byte* const* panels, int step, const float* x, Lanes* sums) = nullptr;
};

template <class Format>
static Unpacking unpacking(bool rounds) {
  if (rounds) return {unpack_step<Format, true>, multiply_lone_step<Format, true>};
  return {unpack_step<Format, false>, multiply_lone_step<Format, false>};
}

static Unpacking unpacking_of(TensorType type, bool rounds) {
  switch (type) {
    case TensorType::f32:
      return unpacking<PlainFloat>(rounds);
    case TensorType::f16:
      return unpacking<PlainHalf>(rounds);
    case TensorType::bf16:
      return unpacking<PlainBfloat>(rounds);
    case TensorType::q4_0:
      return unpacking<UnpackQ4_0>(rounds);
    case TensorType::q4_1:
      return unpacking<UnpackQ4_1>(rounds);
    case TensorType::q5_0:
      return unpacking<UnpackQ5_0>(rounds);
    case TensorType::q5_1:
      return unpacking<UnpackQ5_1>(rounds);
    case TensorType::q8_0:
      return unpacking<UnpackQ8_0>(rounds);
    case TensorType::q2_k:
      return unpacking<UnpackQ2K>(rounds);
    case TensorType::q3_k:
      return unpacking<UnpackQ3K>(rounds);
    case TensorType::q4_k:
      return unpacking<UnpackQ4K>(rounds);
    case TensorType::q5_k:
      return unpacking<UnpackQ5K>(rounds);
    case TensorType::q6_k:
      return unpacking<UnpackQ6K>(rounds);
    case TensorType::q8_k:
      return unpacking<UnpackQ8K>(rounds);
    case TensorType::iq4_nl:
      return unpacking<UnpackIQ4NL>(rounds);
    case TensorType::iq4_xs:
      return unpacking<UnpackIQ4XS>(rounds);
    case TensorType::mxfp4:
      return unpacking<UnpackMXFP4>(rounds);
  }
  return {};
}

}  // namespace
