#include "backends/engine/formats/block_formats.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/errors/result.h"

namespace sizeup {
namespace {

template <class T>
T load(const uint8_t* bytes) {  // files do not promise alignment
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// IEEE 754 binary16 to binary32, exact for every value: subnormals are scaled by 2^-24, which is a power of
// two.
float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
}

float from_bfloat(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

void dequantise_f32(const void* blocks, int64_t elements, float* out) {
  std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(float));
}

void dequantise_f16(const void* blocks, int64_t elements, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < elements; ++i) out[i] = from_half(load<uint16_t>(bytes + 2 * i));
}

void dequantise_bf16(const void* blocks, int64_t elements, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < elements; ++i) out[i] = from_bfloat(load<uint16_t>(bytes + 2 * i));
}

constexpr int kQ8Elements = 32;
constexpr int kQ8Bytes = 2 + kQ8Elements;  // binary16 scale, then 32 signed bytes

void dequantise_q8_0(const void* blocks, int64_t elements, float* out) {
  const auto* block = static_cast<const uint8_t*>(blocks);
  for (int64_t start = 0; start < elements; start += kQ8Elements, block += kQ8Bytes) {
    const float scale = from_half(load<uint16_t>(block));
    for (int i = 0; i < kQ8Elements; ++i) {
      out[start + i] = static_cast<float>(static_cast<int8_t>(block[2 + i])) * scale;
    }
  }
}

// In the order of TensorType, so that a type is its row's index.
constexpr std::array kFormats = {
    BlockFormat{TensorType::f32, "F32", 0, 1, 4, dequantise_f32},
    BlockFormat{TensorType::f16, "F16", 1, 1, 2, dequantise_f16},
    BlockFormat{TensorType::bf16, "BF16", 30, 1, 2, dequantise_bf16},
    BlockFormat{TensorType::q8_0, "Q8_0", 8, kQ8Elements, kQ8Bytes, dequantise_q8_0},
};

}  // namespace

std::span<const BlockFormat> block_formats() {
  return kFormats;
}

const BlockFormat& block_format(TensorType type) {
  const auto index = static_cast<size_t>(type);
  require(index < kFormats.size() && kFormats[index].type == type, "each tensor type has its row, in order");
  return kFormats[index];
}

std::optional<TensorType> tensor_type_from_gguf(uint32_t gguf_id) {
  for (const BlockFormat& format : kFormats) {
    if (format.gguf_id == gguf_id) return format.type;
  }
  return std::nullopt;
}

}  // namespace sizeup
