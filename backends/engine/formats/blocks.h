// The blocks of quantised weights that GGUF files hold, bit by bit: where a block's fields lie and what each
// weight is. Every reader and every device's kernels take it from here.
// https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h has the layouts as C structures.
//
// A format is a structure of constants and three functions of a block's bytes:
//   level(block, i)       weight i as a small integer
//   scale(block, group)   what the levels of a group are multiplied by
//   offset(block, group)  what is added then; -0 where the format has none
// and weight i is level * scale + offset. A scale has at most 17 significant bits (11 of a binary16 and 6 of
// a group's factor; 18 with Q6_K's 7), a level at most 7 and at most 24 together: the product is exact in
// float32. So each weight is rounded once, by the addition or not at all, and a kernel may multiply and add
// in one instruction or in two, in this order or with the scale taken apart: the bits are the same. Q8_K is
// the exception: its scale is a float32, so its one rounding is the product's.
//
// Compiles as C++, CUDA and Metal: no standard library; constants are enumerators, since a Metal program has
// no static data members; bytes are whatever can be indexed, since Metal's pointers carry an address space.
#pragma once

#if !defined(__METAL_VERSION__)
#include <cstdint>
#endif

#if defined(__CUDACC__)
#define SIZEUP_BLOCK_FUNCTION __host__ __device__ constexpr
#else
#define SIZEUP_BLOCK_FUNCTION constexpr
#endif

namespace sizeup::blocks {

SIZEUP_BLOCK_FUNCTION float float_from_bits(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}

// IEEE 754 binary16, exact for every value: subnormals are multiples of 2^-24, and what float32 calls normal.
SIZEUP_BLOCK_FUNCTION float float_from_half(uint32_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1Fu;
  const uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * (1.0f / 16777216.0f);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1Fu ? 0xFFu : exponent + (127u - 15u);
  return float_from_bits(sign | (wide_exponent << 23) | (mantissa << 13));
}

// Little-endian, at any alignment.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION uint32_t two_bytes(Bytes bytes, int at) {
  return static_cast<uint32_t>(bytes[at]) | static_cast<uint32_t>(bytes[at + 1]) << 8;
}

template <class Bytes>
SIZEUP_BLOCK_FUNCTION float half_at(Bytes bytes, int at) {
  return float_from_half(two_bytes(bytes, at));
}

// `bits` bits of a byte, from bit `shift` on.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int bits_at(Bytes bytes, int at, int shift, int bits) {
  return (static_cast<int>(bytes[at]) >> shift) & ((1 << bits) - 1);
}

template <class Bytes>
SIZEUP_BLOCK_FUNCTION int signed_byte_at(Bytes bytes, int at) {
  return static_cast<int8_t>(bytes[at]);
}

// Weight i of 32 as 4 bits: the low halves of 16 bytes, then the high halves.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int nibble_of_32(Bytes bytes, int at, int i) {
  return bits_at(bytes, at + i % 16, 4 * (i / 16), 4);
}

// Weight i of 256 as 4 bits: by 64, the low halves of 32 bytes, then the high halves.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int nibble_of_256(Bytes bytes, int at, int i) {
  return bits_at(bytes, at + i / 64 * 32 + i % 32, 4 * (i / 32 % 2), 4);
}

// Weight i of 256 as 2 bits: by 128, four times the same 32 bytes.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int pair_of_256(Bytes bytes, int at, int i) {
  return bits_at(bytes, at + i / 128 * 32 + i % 32, 2 * (i / 32 % 4), 2);
}

// Weight i of 256 as 1 bit: eight times the same 32 bytes.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int bit_of_256(Bytes bytes, int at, int i) {
  return bits_at(bytes, at + i % 32, i / 32, 1);
}

// The base of formats without offsets. Adding -0 changes no value (adding +0 would change -0), and compilers
// know it: the addition is gone from their code.
struct NoOffset {
  enum : int { kHasOffset = 0 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float offset(Bytes, int) {
    return -0.0f;
  }
};

// The base of formats that begin with their only scale.
struct LeadingScale {
  enum : int { kScale = 0 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int) {
    return half_at(block, kScale);
  }
};

struct Q4_0 : NoOffset, LeadingScale {
  enum : int { kElements = 32, kBytes = 18, kGroup = 32 };
  enum : int { kLevels = 2 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return nibble_of_32(block, kLevels, i) - 8;
  }
};

struct Q4_1 : LeadingScale {
  enum : int { kElements = 32, kBytes = 20, kGroup = 32, kHasOffset = 1 };
  enum : int { kOffset = 2, kLevels = 4 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return nibble_of_32(block, kLevels, i);
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float offset(Bytes block, int) {
    return half_at(block, kOffset);
  }
};

struct Q5_0 : NoOffset, LeadingScale {
  enum : int { kElements = 32, kBytes = 22, kGroup = 32 };
  enum : int { kFifthBits = 2, kLevels = 6 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return (nibble_of_32(block, kLevels, i) | bits_at(block, kFifthBits + i / 8, i % 8, 1) << 4) - 16;
  }
};

struct Q5_1 : LeadingScale {
  enum : int { kElements = 32, kBytes = 24, kGroup = 32, kHasOffset = 1 };
  enum : int { kOffset = 2, kFifthBits = 4, kLevels = 8 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return nibble_of_32(block, kLevels, i) | bits_at(block, kFifthBits + i / 8, i % 8, 1) << 4;
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float offset(Bytes block, int) {
    return half_at(block, kOffset);
  }
};

struct Q8_0 : NoOffset, LeadingScale {
  enum : int { kElements = 32, kBytes = 34, kGroup = 32 };
  enum : int { kLevels = 2 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return signed_byte_at(block, kLevels + i);
  }
};

struct Q2K {
  enum : int { kElements = 256, kBytes = 84, kGroup = 16, kHasOffset = 1 };
  enum : int { kFactors = 0, kLevels = 16, kScale = 80, kOffset = 82 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return pair_of_256(block, kLevels, i);
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int group) {
    return half_at(block, kScale) * static_cast<float>(bits_at(block, kFactors + group, 0, 4));
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float offset(Bytes block, int group) {
    return -(half_at(block, kOffset) * static_cast<float>(bits_at(block, kFactors + group, 4, 4)));
  }
};

struct Q3K : NoOffset {
  enum : int { kElements = 256, kBytes = 110, kGroup = 16 };
  enum : int { kThirdBits = 0, kLevels = 32, kFactors = 96, kScale = 108 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return (pair_of_256(block, kLevels, i) | bit_of_256(block, kThirdBits, i) << 2) - 4;
  }
  // Four bits of factor `group` are in the first 8 bytes, two in the last 4.
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int factor(Bytes block, int group) {
    const int low = bits_at(block, kFactors + group % 8, 4 * (group / 8), 4);
    const int high = bits_at(block, kFactors + 8 + group % 4, 2 * (group / 4), 2);
    return (low | high << 4) - 32;
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int group) {
    return half_at(block, kScale) * static_cast<float>(factor(block, group));
  }
};

// Six-bit factors of 8 scales and 8 offsets in 12 bytes: those of the first four groups lie in the low bits
// of bytes 0-3 (scales) and 4-7 (offsets); the others have their low four bits in bytes 8-11 and their high
// two above those.
template <class Bytes>
SIZEUP_BLOCK_FUNCTION int scale_factor(Bytes bytes, int at, int group) {
  if (group < 4) return bits_at(bytes, at + group, 0, 6);
  return bits_at(bytes, at + group + 4, 0, 4) | bits_at(bytes, at + group - 4, 6, 2) << 4;
}

template <class Bytes>
SIZEUP_BLOCK_FUNCTION int offset_factor(Bytes bytes, int at, int group) {
  if (group < 4) return bits_at(bytes, at + group + 4, 0, 6);
  return bits_at(bytes, at + group + 4, 4, 4) | bits_at(bytes, at + group, 6, 2) << 4;
}

// The base of the formats with such factors.
struct SixBitFactors {
  enum : int { kHasOffset = 1, kScale = 0, kOffset = 2, kFactors = 4 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int group) {
    return half_at(block, kScale) * static_cast<float>(scale_factor(block, kFactors, group));
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float offset(Bytes block, int group) {
    return -(half_at(block, kOffset) * static_cast<float>(offset_factor(block, kFactors, group)));
  }
};

struct Q4K : SixBitFactors {
  enum : int { kElements = 256, kBytes = 144, kGroup = 32 };
  enum : int { kLevels = 16 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return nibble_of_256(block, kLevels, i);
  }
};

struct Q5K : SixBitFactors {
  enum : int { kElements = 256, kBytes = 176, kGroup = 32 };
  enum : int { kFifthBits = 16, kLevels = 48 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return nibble_of_256(block, kLevels, i) | bit_of_256(block, kFifthBits, i) << 4;
  }
};

struct Q6K : NoOffset {
  enum : int { kElements = 256, kBytes = 210, kGroup = 16 };
  enum : int { kLevels = 0, kHighBits = 128, kFactors = 192, kScale = 208 };

  // By 128: the low halves of 64 bytes, then the high halves.
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    const int low = bits_at(block, kLevels + i / 128 * 64 + i % 64, 4 * (i / 64 % 2), 4);
    return (low | pair_of_256(block, kHighBits, i) << 4) - 32;
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int group) {
    return half_at(block, kScale) * static_cast<float>(signed_byte_at(block, kFactors + group));
  }
};

// The levels are followed by their sums of 16, which nothing here needs.
struct Q8K : NoOffset {
  enum : int { kElements = 256, kBytes = 292, kGroup = 256 };
  enum : int { kScale = 0, kLevels = 4 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return signed_byte_at(block, kLevels + i);
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int) {
    return float_from_bits(two_bytes(block, kScale) | two_bytes(block, kScale + 2) << 16);
  }
};

// The levels of the non-linear formats, denser near zero as weights are.
SIZEUP_BLOCK_FUNCTION int non_linear_level(int code) {
  constexpr int8_t kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  return kLevels[code];
}

struct IQ4NL : NoOffset, LeadingScale {
  enum : int { kElements = 32, kBytes = 18, kGroup = 32 };
  enum : int { kLevels = 2 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return non_linear_level(nibble_of_32(block, kLevels, i));
  }
};

struct IQ4XS : NoOffset {
  enum : int { kElements = 256, kBytes = 136, kGroup = 32 };
  enum : int { kScale = 0, kHighFactors = 2, kLowFactors = 4, kLevels = 8 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return non_linear_level(nibble_of_32(block, kLevels + i / 32 * 16, i % 32));
  }
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int group) {
    const int low = bits_at(block, kLowFactors + group / 2, 4 * (group % 2), 4);
    const int high = bits_at(block, kHighFactors + group / 4, 2 * (group % 4), 2);
    return half_at(block, kScale) * static_cast<float>((low | high << 4) - 32);
  }
};

// Twice the value of a 4-bit float with two bits of exponent and one of mantissa.
SIZEUP_BLOCK_FUNCTION int doubled_e2m1(int code) {
  constexpr int8_t kLevels[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  return kLevels[code];
}

// 4-bit floats (E2M1) with a power of two: the OCP Microscaling Formats specification. Levels are twice the
// floats, so that they are integers; the scale is half the power.
struct MXFP4 : NoOffset {
  enum : int { kElements = 32, kBytes = 17, kGroup = 32 };
  enum : int { kScale = 0, kLevels = 1 };

  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static int level(Bytes block, int i) {
    return doubled_e2m1(nibble_of_32(block, kLevels, i));
  }
  // 2^(byte - 128), of which the first two are subnormal. The specification's NaN (255) is 2^127 in GGUF.
  template <class Bytes>
  SIZEUP_BLOCK_FUNCTION static float scale(Bytes block, int) {
    const uint32_t exponent = block[kScale];
    return float_from_bits(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
  }
};

// The kElements weights of a block, in order.
template <class Format, class Bytes, class Floats>
SIZEUP_BLOCK_FUNCTION void dequantise(Bytes block, Floats out) {
  for (int group = 0; group < Format::kElements / Format::kGroup; ++group) {
    const float scale = Format::scale(block, group);
    const float offset = Format::offset(block, group);
    for (int i = group * Format::kGroup; i < (group + 1) * Format::kGroup; ++i) {
      out[i] = static_cast<float>(Format::level(block, i)) * scale + offset;
    }
  }
}

}  // namespace sizeup::blocks
