// The product of bfloat16 tiles; block formats become tiles on the way into it. Its kernels are in
// tile_product.inl, which tests include with emulated tiles.
#pragma once

#include <cstddef>

#include "backends/cpu/product.h"

namespace sizeup::cpu {

// Two left operands: with two right ones, four products for four tile loads.
inline constexpr int kTilePanelOutputs = 32;
// Of the weights of a panel for kStepColumns inputs: two tiles.
inline constexpr size_t kStepWeightBytes = size_t{kTilePanelOutputs} * kStepColumns * 2;

// How a product with more than 32 rows is cut to the caches. No choice changes a bit. "Measured": on two
// Sapphire-Rapids-class cores (48 KiB, 2 MiB), benchmarks/lab.
struct TileBlocking {
  // Weights, as tiles, that stay in the second-level cache while all rows pass over them. Half of it: 1.5 MiB
  // gave 1.14 instead of 1.46 TFLOP/s, 512-896 KiB the same or less.
  size_t block_bytes = size_t{1} << 20;
  // Steps of a block: 2048 inputs, so that a block has 256 outputs and the activations, which come from the
  // third-level cache, are read once for 256 outputs.
  int block_steps = 64;
  // Steps of a pass: its activations (32 rows x 512 inputs of bfloat16: 32 KiB) stay in the first-level
  // cache. 8, 11, 13, 20 and 22 gave the same or less, 32 less: 2.5 instead of 3.4 TFLOP/s.
  int pass_steps = 16;
  // Double groups whose sums wait for the next block of inputs, where the inputs are more than a block. They
  // are 2,048 rows x 256 outputs, 2 MiB: without a limit the scratch would grow with the rows.
  int waiting_groups = 64;
};

// Reads OperandFormat::pairs.
extern const ProductFamily kTilesAmx;
// Reads OperandFormat::split_pairs: float32 activations times bfloat16 weights.
extern const ProductFamily kSplitTilesAmx;

}  // namespace sizeup::cpu
