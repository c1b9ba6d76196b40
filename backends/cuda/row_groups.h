// Rows in groups, each with weights of its own: the experts of a mixture and the rows that chose them. A
// product of rows is cut in tiles that lie in one group each.
#pragma once

#include <cstdint>

#include "backends/cuda/host_device.h"

namespace sizeup::cuda {

// Group g is slots [begin[g], begin[g + 1]); its tiles are [tile_begin[g], tile_begin[g + 1]) of all. Both
// lie in device memory and are made there; the host knows bounds only.
struct RowGroups {
  const int32_t* begin = nullptr;       // [groups + 1]; nullptr: one group of all slots
  const int32_t* tile_begin = nullptr;  // [groups + 1]
  const int32_t* rows = nullptr;        // the row of each slot; nullptr: the slot's number
  int groups = 1;
  int slots = 0;
};

// As many tiles as there can be, however the slots are divided.
constexpr int most_tiles(const RowGroups& groups, int tile_rows) {
  const int full = (groups.slots + tile_rows - 1) / tile_rows;
  return groups.begin == nullptr ? full : full + groups.groups;
}

// The group that has tile `tile` of the first tile_begin[groups]: the last that begins at it or before, of
// which empty ones come first.
SIZEUP_HOST_DEVICE inline int group_of_tile(const int32_t* tile_begin, int groups, int tile) {
  int low = 0;
  int high = groups - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (tile_begin[middle] <= tile) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

struct RowTile {
  int group = 0;
  int first = 0;  // slot
  int count = 0;  // 0: the tile is not one of those there are
};

SIZEUP_HOST_DEVICE inline RowTile row_tile(const RowGroups& groups, int tile_rows, int tile) {
  RowTile found;
  int end = groups.slots;
  if (groups.begin == nullptr) {
    found.first = tile * tile_rows;
  } else {
    if (tile >= groups.tile_begin[groups.groups]) return found;
    found.group = group_of_tile(groups.tile_begin, groups.groups, tile);
    found.first = groups.begin[found.group] + (tile - groups.tile_begin[found.group]) * tile_rows;
    end = groups.begin[found.group + 1];
  }
  const int left = end - found.first;
  found.count = left < tile_rows ? left : tile_rows;
  return found;
}

}  // namespace sizeup::cuda
