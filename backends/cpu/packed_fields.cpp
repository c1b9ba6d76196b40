#include "backends/cpu/packed_fields.h"

#include <array>
#include <cstring>

#include "backends/cpu/lanes.h"
#include "core/errors/result.h"

namespace sizeup::cpu {
namespace {

// Named as in backends/engine/formats/blocks.h.
constexpr std::array kFloat{BlockField{4, 1}};
constexpr std::array kHalf{BlockField{2, 1}};
constexpr std::array kQ4_0{BlockField{2, 1}, BlockField{4, 4, 16, true}};              // scale, codes
constexpr std::array kQ4_1{BlockField{2, 2}, BlockField{4, 4, 16, true}};              // and a minimum
constexpr std::array kQ5_0{BlockField{2, 1}, BlockField{4, 1}, BlockField{4, 4, 16}};  // and high bits
constexpr std::array kQ5_1{BlockField{2, 2}, BlockField{4, 1}, BlockField{4, 4, 16}};  // and both
constexpr std::array kQ8_0{BlockField{2, 1}, BlockField{4, 8, 32}};                    // scale, codes
constexpr std::array kQ2_K{BlockField{1, 16}, BlockField{4, 16, 32, true},
                           BlockField{2, 2}};  // scales, codes, d, dmin
constexpr std::array kQ3_K{BlockField{4, 24, 32}, BlockField{1, 12},
                           BlockField{2, 1}};  // high bits, codes, scales, d
constexpr std::array kQ4_K{BlockField{2, 2}, BlockField{1, 12},
                           BlockField{4, 32, 32, true}};  // d, dmin, scales, codes
constexpr std::array kQ5_K{BlockField{2, 2}, BlockField{1, 12}, BlockField{4, 40, 32}};  // and high bits
constexpr std::array kQ6_K{BlockField{4, 48, 32}, BlockField{1, 16},
                           BlockField{2, 1}};  // codes, high bits, scales, d
constexpr std::array kQ8_K{BlockField{4, 1},
                           BlockField{4, 64, 32}};  // d, codes; their sums are for other engines
constexpr std::array kIq4Xs{BlockField{2, 1}, BlockField{1, 6},
                            BlockField{4, 32, 16, true}};                   // d, scales, codes
constexpr std::array kMxfp4{BlockField{1, 1}, BlockField{4, 4, 16, true}};  // exponent, codes

struct Element {
  size_t offset = 0;  // in the block
  int bytes = 0;
  bool paired = false;

  // Of an output's first byte in the packed blocks.
  size_t place(int output) const {
    const int before = paired ? output / 2 * 2 * bytes + output % 2 : output * bytes;
    return offset * kLanes + static_cast<size_t>(before);
  }
};

template <class Visit>
void each_element(TensorType type, CodeOrder order, const Visit& visit) {
  Element element;
  for (const BlockField& field : packed_fields(type)) {
    const bool rows = order == CodeOrder::rows && field.row_bytes != 0;
    element.bytes = rows ? field.row_bytes : field.bytes;
    element.paired = rows && field.paired;
    const size_t end = element.offset + static_cast<size_t>(field.bytes * field.count);
    for (; element.offset < end; element.offset += static_cast<size_t>(element.bytes)) visit(element);
  }
}

// A copy of known length is one or two instructions.
void copy_bytes(std::byte* to, const std::byte* from, int bytes) {
  switch (bytes) {
    case 1:
      *to = *from;
      return;
    case 2:
      std::memcpy(to, from, 2);
      return;
    case 4:
      std::memcpy(to, from, 4);
      return;
    case 16:
      std::memcpy(to, from, 16);
      return;
    default:
      std::memcpy(to, from, 32);
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

void write_packed_block(TensorType type, CodeOrder order, const std::byte* block, int output,
                        std::byte* packed) {
  each_element(type, order, [&](const Element& element) {
    std::byte* to = packed + element.place(output);
    const std::byte* from = block + element.offset;
    if (!element.paired) return copy_bytes(to, from, element.bytes);
    for (int i = 0; i < element.bytes; ++i) to[2 * i] = from[i];
  });
}

void read_packed_block(TensorType type, CodeOrder order, const std::byte* packed, int output,
                       std::byte* block) {
  each_element(type, order, [&](const Element& element) {
    std::byte* to = block + element.offset;
    const std::byte* from = packed + element.place(output);
    if (!element.paired) return copy_bytes(to, from, element.bytes);
    for (int i = 0; i < element.bytes; ++i) to[i] = from[2 * i];
  });
}

}  // namespace sizeup::cpu
