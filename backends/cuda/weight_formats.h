// The formats that weights lie in, as kernels read them: eight neighbouring weights at a time.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"
#include "backends/engine/formats/block_formats.h"
#include "backends/engine/formats/blocks.h"
#include "core/errors/result.h"

namespace sizeup::cuda {

// Plain types beside the structures of blocks.h. Rows begin where their elements are aligned.
struct PlainF32 {
  enum : int { kElements = 1, kBytes = 4 };
  SIZEUP_HOST_DEVICE static float weight(const uint8_t* row, int index) {
    return reinterpret_cast<const float*>(row)[index];
  }
};
struct PlainF16 {
  enum : int { kElements = 1, kBytes = 2 };
  SIZEUP_HOST_DEVICE static float weight(const uint8_t* row, int index) {
    return blocks::float_from_half(reinterpret_cast<const uint16_t*>(row)[index]);
  }
};
struct PlainBF16 {
  enum : int { kElements = 1, kBytes = 2 };
  SIZEUP_HOST_DEVICE static float weight(const uint8_t* row, int index) {
    return blocks::float_from_bits(static_cast<uint32_t>(reinterpret_cast<const uint16_t*>(row)[index])
                                   << 16);
  }
};

inline constexpr int kEight = 8;

struct Eight {
  float value[kEight] = {};
};

// Weights [first, first + 8) of a row of `columns` weights; those beyond are 0. first is a multiple of 8, so
// that the eight lie in one group of a block: groups are of 16 or more.
template <class Format>
SIZEUP_HOST_DEVICE Eight eight_weights(const uint8_t* row, int first, int columns) {
  Eight eight;
  if (first >= columns) return eight;
  if constexpr (Format::kElements == 1) {
    for (int i = 0; i < kEight; ++i) {
      if (first + i < columns) eight.value[i] = Format::weight(row, first + i);
    }
  } else {
    const uint8_t* block = row + static_cast<int64_t>(first / Format::kElements) * Format::kBytes;
    const int inside = first % Format::kElements;
    const float scale = Format::scale(block, inside / Format::kGroup);
    const float offset = Format::offset(block, inside / Format::kGroup);
    for (int i = 0; i < kEight; ++i)
      eight.value[i] = static_cast<float>(Format::level(block, inside + i)) * scale + offset;
  }
  return eight;
}

// body(a value of the type's structure)
template <class Body>
void with_format(TensorType type, const Body& body) {
  switch (type) {
    case TensorType::f32:
      return body(PlainF32{});
    case TensorType::f16:
      return body(PlainF16{});
    case TensorType::bf16:
      return body(PlainBF16{});
    case TensorType::q4_0:
      return body(blocks::Q4_0{});
    case TensorType::q4_1:
      return body(blocks::Q4_1{});
    case TensorType::q5_0:
      return body(blocks::Q5_0{});
    case TensorType::q5_1:
      return body(blocks::Q5_1{});
    case TensorType::q8_0:
      return body(blocks::Q8_0{});
    case TensorType::q2_k:
      return body(blocks::Q2K{});
    case TensorType::q3_k:
      return body(blocks::Q3K{});
    case TensorType::q4_k:
      return body(blocks::Q4K{});
    case TensorType::q5_k:
      return body(blocks::Q5K{});
    case TensorType::q6_k:
      return body(blocks::Q6K{});
    case TensorType::q8_k:
      return body(blocks::Q8K{});
    case TensorType::iq4_nl:
      return body(blocks::IQ4NL{});
    case TensorType::iq4_xs:
      return body(blocks::IQ4XS{});
    case TensorType::mxfp4:
      return body(blocks::MXFP4{});
  }
  throw InternalError("every tensor type has its structure");
}

}  // namespace sizeup::cuda
