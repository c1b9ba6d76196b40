// How the blocks of a weight format lie in a panel: field by field in the order of the file, the same element
// of sixteen outputs side by side. It is a transposition of the file's bytes, so that nothing grows: what is
// at byte b of a block in the file begins at byte 16 * b of the sixteen packed blocks.
//
// Elements of codes depend on who reads them. The float products have outputs in the lanes of a register and
// take the codes of a few inputs of all sixteen at once; a left tile operand has the inputs of an output in a
// row, and its codes stay in rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "backends/engine/formats/block_formats.h"
#include "backends/engine/formats/blocks.h"

namespace sizeup::cpu {

// `count` elements of `bytes` each, following the field before it. Codes are elements of four bytes, so that
// a lane gets four of them at once, or rows: those of a step, or of several that share their bytes.
struct BlockField {
  int bytes = 0;  // 1, 2 or 4
  int count = 0;
  int row_bytes = 0;  // 16 or 32; 0: not codes, the same in both orders
  // Rows of two neighbours (2 d and 2 d + 1) take turns byte by byte: a 16-bit lane holds the codes that both
  // have for an input. For codes that are looked up, which takes 16-bit lanes.
  bool paired = false;
};

enum class CodeOrder : uint8_t { columns, rows };

// All of a block that its values depend on; what may follow in the file is left out.
std::span<const BlockField> packed_fields(TensorType type);

// Of one output's packed block.
int packed_block_bytes(TensorType type);

// The same of a format of blocks.h: what follows the levels of Q8_K is left out.
template <class Format>
constexpr int packed_bytes() {
  return std::is_base_of_v<blocks::Q8K, Format> ? int{blocks::Q8K::kLevels} + int{blocks::Q8K::kElements}
                                                : int{Format::kBytes};
}

// The block of output 0 to 15 of the file into its places in sixteen packed blocks, and back.
void write_packed_block(TensorType type, CodeOrder order, const std::byte* block, int output,
                        std::byte* packed);
void read_packed_block(TensorType type, CodeOrder order, const std::byte* packed, int output,
                       std::byte* block);

}  // namespace sizeup::cpu
