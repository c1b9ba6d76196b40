// The kernels behind attend().
#pragma once

#include "backends/cuda/attention.h"

namespace sizeup::cuda {

// Lanes of a block.
inline constexpr int kPlainLanes = 16;
inline constexpr int kNarrowTileLanes = 16;
// Four warps of 16 lanes each, or, of heads above kLongHead, four pairs of warps that share 16 lanes: a
// warp's registers hold the outputs of so many columns, twice. Two or three such blocks on a multiprocessor
// hide each other's waiting, which one of eight warps does not.
inline constexpr int kWideTileLanes = 64;
inline constexpr int kLongHead = 128;

// Pages of float32, and heads for which there are no tiles: without matrix instructions, all sums in float32.
// All items are narrow.
void attend_plainly(const AttentionWork& work, cudaStream_t stream);

// Pages of bfloat16: queries and weights are rounded to it, sums are in float32. One file for each kind of
// head.
void attend_short_tiles(const AttentionWork& work, cudaStream_t stream);   // up to 64
void attend_medium_tiles(const AttentionWork& work, cudaStream_t stream);  // up to kLongHead
void attend_long_tiles(const AttentionWork& work, cudaStream_t stream);    // up to kGreatestTileHead

}  // namespace sizeup::cuda
