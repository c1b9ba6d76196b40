// How the blocks of a weight format lie in a panel of the float products: field by field in the order of the
// file, the outputs of the panel side by side, so that a register load brings the same element of sixteen
// outputs. It is a transposition of the file's bytes: what is at byte b of a block in the file begins at byte
// b * outputs of the panel's block.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "backends/engine/formats/block_formats.h"
#include "backends/engine/formats/blocks.h"

namespace sizeup::cpu {

// `count` elements of `bytes` each, following the field before it. Codes are elements of four bytes, so that
// a lane gets four of them at once.
struct BlockField {
  int bytes = 0;  // 1, 2 or 4
  int count = 0;
};

// All of a block that its values depend on; what may follow in the file is left out.
std::span<const BlockField> packed_fields(TensorType type);

// Of one output's block in a panel.
int packed_block_bytes(TensorType type);

// The same of a format of blocks.h: what follows the levels of Q8_K is left out.
template <class Format>
constexpr int packed_bytes() {
  return std::is_base_of_v<blocks::Q8K, Format> ? int{blocks::Q8K::kLevels} + int{blocks::Q8K::kElements}
                                                : int{Format::kBytes};
}

// One output's block of the file into its places in a panel's block, and back.
void write_packed_block(TensorType type, const std::byte* block, int outputs, int output,
                        std::byte* panel_block);
void read_packed_block(TensorType type, const std::byte* panel_block, int outputs, int output,
                       std::byte* block);

}  // namespace sizeup::cpu
