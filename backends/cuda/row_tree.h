// Which of a row's lanes adds which of its values: it fixes the bits of norms and depends on the row's length
// alone.
#pragma once

#include "backends/cuda/host_device.h"

namespace sizeup::cuda {

// A row up to this long is a warp's: each lane has at most 16 values. Longer ones are a block's.
inline constexpr int kWarpColumns = 512;
inline constexpr int kWarpLanes = 32;
inline constexpr int kBlockLanes = 256;

SIZEUP_HOST_DEVICE constexpr int row_lanes(int columns) {
  return columns <= kWarpColumns ? kWarpLanes : kBlockLanes;
}

// Lanes take four neighbouring values in turn: lane l has those from first_of(l) on, then every
// lane_step(lanes) on.
SIZEUP_HOST_DEVICE constexpr int first_of(int lane) {
  return 4 * lane;
}
SIZEUP_HOST_DEVICE constexpr int lane_step(int lanes) {
  return 4 * lanes;
}

}  // namespace sizeup::cuda
