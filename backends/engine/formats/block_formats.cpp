#include "backends/engine/formats/block_formats.h"

#include <array>
#include <cstring>

#include "backends/engine/formats/bfloat16.h"
#include "backends/engine/formats/blocks.h"
#include "core/errors/result.h"

namespace sizeup {
namespace {

template <class T>
T load(const uint8_t* bytes) {  // files do not promise alignment
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

void dequantise_f32(const void* from, int64_t elements, float* out) {
  if (elements == 0) return;  // `from` and `out` may be null then
  std::memcpy(out, from, static_cast<size_t>(elements) * sizeof(float));
}

void dequantise_f16(const void* from, int64_t elements, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  for (int64_t i = 0; i < elements; ++i) out[i] = blocks::float_from_half(load<uint16_t>(bytes + 2 * i));
}

void dequantise_bf16(const void* from, int64_t elements, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  for (int64_t i = 0; i < elements; ++i) out[i] = from_bfloat16(load<uint16_t>(bytes + 2 * i));
}

template <class Format>
void dequantise_blocks(const void* from, int64_t elements, float* out) {
  const auto* block = static_cast<const uint8_t*>(from);
  for (int64_t start = 0; start < elements; start += Format::kElements, block += Format::kBytes) {
    blocks::dequantise<Format>(block, out + start);
  }
}

template <class Format>
constexpr BlockFormat of_blocks(TensorType type, std::string_view name, uint32_t gguf_id) {
  return {type, name, gguf_id, Format::kElements, Format::kBytes, dequantise_blocks<Format>};
}

// In the order of TensorType, so that a type is its row's index.
constexpr std::array kFormats = {
    BlockFormat{TensorType::f32, "F32", 0, 1, 4, dequantise_f32},
    BlockFormat{TensorType::f16, "F16", 1, 1, 2, dequantise_f16},
    BlockFormat{TensorType::bf16, "BF16", 30, 1, 2, dequantise_bf16},
    of_blocks<blocks::Q4_0>(TensorType::q4_0, "Q4_0", 2),
    of_blocks<blocks::Q4_1>(TensorType::q4_1, "Q4_1", 3),
    of_blocks<blocks::Q5_0>(TensorType::q5_0, "Q5_0", 6),
    of_blocks<blocks::Q5_1>(TensorType::q5_1, "Q5_1", 7),
    of_blocks<blocks::Q8_0>(TensorType::q8_0, "Q8_0", 8),
    of_blocks<blocks::Q2K>(TensorType::q2_k, "Q2_K", 10),
    of_blocks<blocks::Q3K>(TensorType::q3_k, "Q3_K", 11),
    of_blocks<blocks::Q4K>(TensorType::q4_k, "Q4_K", 12),
    of_blocks<blocks::Q5K>(TensorType::q5_k, "Q5_K", 13),
    of_blocks<blocks::Q6K>(TensorType::q6_k, "Q6_K", 14),
    of_blocks<blocks::Q8K>(TensorType::q8_k, "Q8_K", 15),
    of_blocks<blocks::IQ4NL>(TensorType::iq4_nl, "IQ4_NL", 20),
    of_blocks<blocks::IQ4XS>(TensorType::iq4_xs, "IQ4_XS", 23),
    of_blocks<blocks::MXFP4>(TensorType::mxfp4, "MXFP4", 39),
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

int64_t row_bytes(TensorType type, int64_t columns) {
  const BlockFormat& format = block_format(type);
  require(columns % format.block_elements == 0, "a row is whole blocks");
  return columns / format.block_elements * format.block_bytes;
}

std::optional<TensorType> tensor_type_from_gguf(uint32_t gguf_id) {
  for (const BlockFormat& format : kFormats) {
    if (format.gguf_id == gguf_id) return format.type;
  }
  return std::nullopt;
}

}  // namespace sizeup
