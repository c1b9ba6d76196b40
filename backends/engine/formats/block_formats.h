// The element types that weights come in, as a table: plain types, and blocks of quantised values, whose bits
// blocks.h describes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sizeup {

enum class TensorType : uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  q8_k,
  iq4_nl,
  iq4_xs,
  mxfp4
};

// One row of the table: everything that readers and kernels need to know about a type.
struct BlockFormat {
  TensorType type;
  std::string_view name;  // "Q8_0"
  uint32_t gguf_id;       // ggml_type in a GGUF file
  int block_elements;     // weights in a block: 1 for plain types
  int block_bytes;        // bytes of a block
  // `elements` weights, which are whole blocks, as float32; blocks may lie at any address.
  void (*dequantise)(const void* blocks, int64_t elements, float* out);
};

std::span<const BlockFormat> block_formats();
const BlockFormat& block_format(TensorType type);

// Bytes of a row of `columns` weights, which are whole blocks.
int64_t row_bytes(TensorType type, int64_t columns);

std::optional<TensorType> tensor_type_from_gguf(uint32_t gguf_id);

}  // namespace sizeup
