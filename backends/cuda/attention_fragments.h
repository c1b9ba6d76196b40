// Which elements a thread holds in matrix instructions of 16 x 8 results over 16 columns of bfloat16, and
// what it loads for them. "Place" is a row and a piece of 16 bytes in it, of a matrix in shared memory that
// lies as a page's half does. A load takes four 8 x 8 matrices: threads 8 m to 8 m + 7 name the rows of
// matrix m.
#pragma once

#include "backends/cuda/host_device.h"
#include "backends/cuda/page_index.h"

namespace sizeup::cuda::tiles {

struct PiecePlace {
  int row = 0;
  int piece = 0;

  bool operator==(const PiecePlace&) const = default;
};

// Queries (16 lanes) over columns 16 step to 16 step + 15: the four registers of a left factor.
SIZEUP_HOST_DEVICE constexpr PiecePlace query_place(int thread, int step) {
  return {thread % 16, 2 * step + thread / 16};
}

// Keys 16 pair to 16 pair + 15 over the same columns: two right factors of 8 keys, two registers each.
SIZEUP_HOST_DEVICE constexpr PiecePlace key_place(int thread, int pair, int step) {
  return {16 * pair + thread / 16 * 8 + thread % 8, 2 * step + thread / 8 % 2};
}

// Values of keys 16 step to 16 step + 15, transposed: two right factors of 8 columns, the first of them
// column 16 pair.
SIZEUP_HOST_DEVICE constexpr PiecePlace value_place(int thread, int step, int pair) {
  return {16 * step + thread % 16, 2 * pair + thread / 16};
}

// The byte of a place that lies `rows` rows, in eights, below `first` and an even number `pieces` of pieces
// right of it, where that is one of its row's first two: what differs between a thread's loads is known when
// they are compiled.
template <int kPieces>
SIZEUP_HOST_DEVICE constexpr int byte_of(PiecePlace first, int rows = 0, int pieces = 0) {
  const int piece = first.piece ^ swizzle(swizzle_shift(kPieces), first.row);
  return first.row * kPieces * kPieceBytes + (piece * kPieceBytes ^ pieces * kPieceBytes) +
         rows * kPieces * kPieceBytes;
}

// Result i of 4: its row among 16, and its column among 8. Also what lies in register i / 2, as element i %
// 2, of the left factor's first 8 columns.
SIZEUP_HOST_DEVICE constexpr int result_row(int thread, int i) {
  return thread / 4 + i / 2 * 8;
}
SIZEUP_HOST_DEVICE constexpr int result_column(int thread, int i) {
  return thread % 4 * 2 + i % 2;
}

// The row, among 16, of element e of register i of a right factor; its column is thread / 4.
SIZEUP_HOST_DEVICE constexpr int factor_row(int thread, int i, int e) {
  return thread % 4 * 2 + 8 * i + e;
}

}  // namespace sizeup::cuda::tiles
