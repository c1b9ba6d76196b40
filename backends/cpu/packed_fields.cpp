#include "backends/cpu/packed_fields.h"

#include <array>
#include <cstring>

#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// Named as in backends/engine/formats/blocks.h.
constexpr std::array kFloat{BlockField{4, 1}};
constexpr std::array kHalf{BlockField{2, 1}};
constexpr std::array kQ4_0{BlockField{2, 1}, BlockField{4, 4}};  // scale, codes
constexpr std::array kQ4_1{BlockField{2, 2}, BlockField{4, 4}};  // scale, minimum, codes
constexpr std::array kQ5_0{BlockField{2, 1}, BlockField{4, 5}};  // scale, high bits, codes
constexpr std::array kQ5_1{BlockField{2, 2}, BlockField{4, 5}};  // and a minimum
constexpr std::array kQ8_0{BlockField{2, 1}, BlockField{4, 8}};  // scale, codes
constexpr std::array kQ2_K{BlockField{1, 16}, BlockField{4, 16}, BlockField{2, 2}};  // scales, codes, d, dmin
constexpr std::array kQ3_K{BlockField{4, 24}, BlockField{1, 12},
                           BlockField{2, 1}};  // high bits, codes, scales, d
constexpr std::array kQ4_K{BlockField{2, 2}, BlockField{1, 12}, BlockField{4, 32}};  // d, dmin, scales, codes
constexpr std::array kQ5_K{BlockField{2, 2}, BlockField{1, 12}, BlockField{4, 40}};  // and high bits
constexpr std::array kQ6_K{BlockField{4, 48}, BlockField{1, 16},
                           BlockField{2, 1}};  // codes, high bits, scales, d
constexpr std::array kQ8_K{
    BlockField{4, 65}};  // d, codes; the sums of codes after them are for other engines
constexpr std::array kIq4Xs{BlockField{2, 1}, BlockField{1, 6}, BlockField{4, 32}};  // d, scales, codes
constexpr std::array kMxfp4{BlockField{1, 1}, BlockField{4, 4}};                     // exponent, codes

// visit(offset of the element in the block, its bytes)
template <class Visit>
void each_element(TensorType type, const Visit& visit) {
  size_t offset = 0;
  for (const BlockField& field : packed_fields(type)) {
    for (int i = 0; i < field.count; ++i, offset += static_cast<size_t>(field.bytes))
      visit(offset, field.bytes);
  }
}

// A copy of known length is one instruction.
void copy_element(std::byte* to, const std::byte* from, int bytes) {
  if (bytes == 4) {
    std::memcpy(to, from, 4);
  } else if (bytes == 2) {
    std::memcpy(to, from, 2);
  } else {
    *to = *from;
  }
}

}  // namespace

std::span<const BlockField> packed_fields(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return kFloat;
    case TensorType::f16:
    case TensorType::bf16:
      return kHalf;
    case TensorType::q4_0:
    case TensorType::iq4_nl:
      return kQ4_0;
    case TensorType::q4_1:
      return kQ4_1;
    case TensorType::q5_0:
      return kQ5_0;
    case TensorType::q5_1:
      return kQ5_1;
    case TensorType::q8_0:
      return kQ8_0;
    case TensorType::q2_k:
      return kQ2_K;
    case TensorType::q3_k:
      return kQ3_K;
    case TensorType::q4_k:
      return kQ4_K;
    case TensorType::q5_k:
      return kQ5_K;
    case TensorType::q6_k:
      return kQ6_K;
    case TensorType::q8_k:
      return kQ8_K;
    case TensorType::iq4_xs:
      return kIq4Xs;
    case TensorType::mxfp4:
      return kMxfp4;
  }
  throw InternalError("a tensor type has fields");
}

int packed_block_bytes(TensorType type) {
  int bytes = 0;
  for (const BlockField& field : packed_fields(type)) bytes += field.bytes * field.count;
  return bytes;
}

void write_packed_block(TensorType type, const std::byte* block, int outputs, int output,
                        std::byte* panel_block) {
  each_element(type, [&](size_t offset, int bytes) {
    copy_element(panel_block + offset * static_cast<size_t>(outputs) + static_cast<size_t>(output * bytes),
                 block + offset, bytes);
  });
}

void read_packed_block(TensorType type, const std::byte* panel_block, int outputs, int output,
                       std::byte* block) {
  each_element(type, [&](size_t offset, int bytes) {
    copy_element(block + offset,
                 panel_block + offset * static_cast<size_t>(outputs) + static_cast<size_t>(output * bytes),
                 bytes);
  });
}

}  // namespace sizeup::cpu
