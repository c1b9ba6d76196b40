// Head sizes for which attention has kernels; others are padded to the next.
#pragma once

#include "backends/cuda/page_index.h"

namespace sizeup::cuda {

// Of the kernels with matrix instructions. Each costs compile time, so only what models have.
inline constexpr int kTileHeadSizes[] = {16, 32, 64, 80, 96, 112, 128, 192, 256};
inline constexpr int kGreatestTileHead = 256;

// Pieces of 16 bytes that a head's elements take.
constexpr int whole_pieces(int head_size, int element_bytes) {
  return (head_size * element_bytes + kPieceBytes - 1) / kPieceBytes;
}

constexpr bool has_tile_kernel(int head_size) {
  return head_size <= kGreatestTileHead;
}

// Elements of a head in pages of bfloat16.
constexpr int tile_head_size(int head_size) {
  for (const int size : kTileHeadSizes) {
    if (head_size <= size) return size;
  }
  return whole_pieces(head_size, 2) * kPieceBytes / 2;
}

}  // namespace sizeup::cuda
