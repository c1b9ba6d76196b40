// Where elements of a tile lie in shared memory, and which lane of a warp has which element of the operands
// of mma.sync m16n8k16. Kernels and host tests share it.
#pragma once

#include "backends/cuda/host_device.h"

namespace sizeup::cuda {

inline constexpr int kPieceElements = 8;  // of 16 bytes, the unit of copies and of rows of ldmatrix

// The piece of a tile's row lies here, in pieces from the tile's begin. The eight rows that one phase of
// ldmatrix reads are whole multiples of 128 bytes apart; the exclusive or spreads them over all banks.
SIZEUP_HOST_DEVICE constexpr int tile_piece(int pieces_per_row, int row, int piece) {
  return row * pieces_per_row + (piece ^ (row & 7));
}

// What lane `lane` gives ldmatrix.x4 so that its four registers are the A operand of 16 outputs: (row, piece)
// within the tile's 16 rows and the step's two pieces.
SIZEUP_HOST_DEVICE constexpr int a_row(int lane) {
  return lane & 15;
}
SIZEUP_HOST_DEVICE constexpr int a_piece(int lane) {
  return lane >> 4;
}

// The same for the B operands of two times eight rows: registers 0 and 1 are those of the first eight.
SIZEUP_HOST_DEVICE constexpr int b_row(int lane) {
  return (lane & 7) + (lane >> 4) * 8;
}
SIZEUP_HOST_DEVICE constexpr int b_piece(int lane) {
  return (lane >> 3) & 1;
}

// Register i of a lane's accumulator is this output of 16 and this row of 8.
SIZEUP_HOST_DEVICE constexpr int sum_output(int lane, int i) {
  return lane / 4 + i / 2 * 8;
}
SIZEUP_HOST_DEVICE constexpr int sum_row(int lane, int i) {
  return lane % 4 * 2 + i % 2;
}

}  // namespace sizeup::cuda
