// What the packed blocks of sixteen outputs hold (packed_fields.h), included after a vector_*.h. A quantised
// weight is a level times a scale, or that plus a minimum in one rounding, exactly as in
// backends/engine/formats/blocks.h, where the formats are described.
//
// Scales are lanes of outputs. Codes lie in one of two orders, and a register of them holds accordingly
//   columns  the inputs 4 d to 4 d + 3 of a step, of sixteen outputs
//   rows     the 32 inputs of a step, of the outputs 2 d and 2 d + 1: one after the other or, of codes that
//            are looked up, in turn
// Where a byte of the file has codes of several steps, both are the same shifts and masks of the same 64
// bytes. The functions that differ are defined by unpack.inl and tile_unpack_avx512.inl.
namespace {

using sizeup::cpu::kStepColumns;
namespace blocks = sizeup::blocks;

constexpr int kPanelOutputs = 16;
static_assert(kPanelOutputs == sizeup::cpu::kLanes, "a register holds an element of sixteen outputs");

// Byte `offset` of a block in the file is here in the packed blocks.
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
// and of its register `d` of codes, a byte for each weight, either
//   levels(block, s, d)       their levels as signed bytes, or
//   codes(block, s, d)        themselves in the lowest four bits, whose levels are in kCodeLevels

// Codes of the inputs 0 to 15 of a step are the lower nibbles of sixteen bytes, of 16 to 31 the upper ones.
static inline Codes nibbles_of_step(const std::byte* block, int offset, int d);
// The same of formats whose codes are looked up, which may be paired in rows.
static inline Codes paired_nibbles_of_step(const std::byte* block, int offset, int d);

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

// A step's bits in the word at `offset`, each in a byte.
static inline Codes bits_of_word(const std::byte* block, int offset, int d);

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
  // The negative in every case: 0 - x would lose the sign of a zero.
  return {half_at(block, scale) * factors.scale, broadcast(-0.0F) - half_at(block, offset) * factors.offset};
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
  static Codes codes(const std::byte* block, int, int d) { return paired_nibbles_of_step(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackQ4_1 : blocks::Q4_1 {
  static constexpr const CodeLevels& kCodeLevels = kCodes;
  static Codes codes(const std::byte* block, int, int d) { return paired_nibbles_of_step(block, kLevels, d); }
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
  static Codes codes(const std::byte* block, int, int d) { return paired_nibbles_of_step(block, kLevels, d); }
  static Factors factors(const std::byte* block, int, int) { return {half_at(block, kScale), zero()}; }
};

struct UnpackIQ4XS : blocks::IQ4XS {
  static constexpr const CodeLevels& kCodeLevels = kNonLinearLevels;
  static Codes codes(const std::byte* block, int s, int d) {
    return paired_nibbles_of_step(block, kLevels + 16 * s, d);
  }
  static Factors factors(const std::byte* block, int s, int) {
    const Codes low = shift_right(byte_at(block, kLowFactors, s / 2), s % 2 * 4) & 0xFu;
    const Codes high = shift_right(byte_at(block, kHighFactors, s / 4), s % 4 * 2) & 3u;
    return scaled(block, kScale, to_float((low | shift_left(high, 4)) + broadcast_code(-32)));
  }
};

struct UnpackMXFP4 : blocks::MXFP4 {
  static constexpr const CodeLevels& kCodeLevels = kDoubledE2m1;
  static Codes codes(const std::byte* block, int, int d) { return paired_nibbles_of_step(block, kLevels, d); }
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

}  // namespace
