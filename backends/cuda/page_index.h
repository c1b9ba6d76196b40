// Where keys and values lie in a page, for kernels and for the host.
//
// One layer's part of a page is [kv head][keys | values][kPagePositions][pitch]. A row of `pitch` elements is
// made of pieces of 16 bytes, which lie swizzled: a matrix load takes the same piece of eight rows, and their
// places then differ in shared memory's banks, so that a page goes there by plain copies.
#pragma once

#include <cstddef>

#include "backends/cuda/host_device.h"
#include "backends/engine/step.h"

namespace sizeup::cuda {

inline constexpr int kPieceBytes = 16;  // of the widest load of a lane, and of a row of a matrix load
inline constexpr int kBankPieces = 8;   // pieces that lie side by side in shared memory's 32 banks

// With an odd number of pieces in a row eight rows begin at different banks; for every factor of two in that
// number one more bit of the row has to go into the piece's place.
SIZEUP_HOST_DEVICE constexpr int swizzle_shift(int pieces) {
  int shift = 3;
  for (int factor = 2; factor <= kBankPieces && pieces % factor == 0; factor *= 2) --shift;
  return shift;
}

// A piece lies in its row where its number and this differ in no bit or in the lowest ones.
SIZEUP_HOST_DEVICE constexpr int swizzle(int shift, int row) {
  return row % kBankPieces >> shift;
}

// One layer's part of a page.
struct PageShape {
  int kv_heads = 0;
  int head_size = 0;
  int pitch = 0;  // elements of a key or value with its padding
  int element_bytes = 0;
  int shift = 0;  // swizzle_shift() of its pieces

  SIZEUP_HOST_DEVICE constexpr int piece_elements() const { return kPieceBytes / element_bytes; }
  SIZEUP_HOST_DEVICE constexpr int pieces() const { return pitch / piece_elements(); }
  // Keys, or values, of one head.
  SIZEUP_HOST_DEVICE constexpr size_t half_bytes() const {
    return static_cast<size_t>(kPagePositions) * static_cast<size_t>(pitch) *
           static_cast<size_t>(element_bytes);
  }
  SIZEUP_HOST_DEVICE constexpr size_t layer_bytes() const {
    return 2 * static_cast<size_t>(kv_heads) * half_bytes();
  }
  // Elements from a half's begin to an element of it.
  SIZEUP_HOST_DEVICE constexpr int element(int offset, int column) const {
    return offset * pitch + (column ^ (swizzle(shift, offset) * piece_elements()));
  }
};

}  // namespace sizeup::cuda
