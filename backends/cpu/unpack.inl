// A step of packed weights (kStepColumns inputs of a panel's sixteen outputs) as float32, included after
// block_levels.inl. Lanes are outputs, codes lie in columns.
namespace {

using sizeup::TensorType;

static inline Codes nibbles_of_step(const std::byte* block, int offset, int d) {
  return shift_right(codes_at(block, offset, d % 4), d / 4 * 4);
}
static inline Codes paired_nibbles_of_step(const std::byte* block, int offset, int d) {
  return nibbles_of_step(block, offset, d);
}

// Bits 4 d to 4 d + 3 of sixteen words.
static inline Codes bits_of_word(const std::byte* block, int offset, int d) {
  Codes bits = shift_right(codes_at(block, offset, 0), 4 * d) & 0xFu;
  bits = (bits | shift_left(bits, 14)) & 0x00030003u;
  return (bits | shift_left(bits, 7)) & kBits;
}

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
