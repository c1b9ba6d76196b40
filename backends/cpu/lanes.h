// Activations of the CPU device: sixteen rows side by side, so that a row is a lane. Norms, rotations,
// activations and softmax are then vertical: no row ever meets its neighbour, and a value does not depend on
// how many rows there are. A result tile of the tile kernels (16 outputs x 16 rows) has this layout as well.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sizeup::cpu {

// Rows of a group: the floats of a 512-bit register, and the rows of a result tile.
inline constexpr int kLanes = 16;

// Columns of one tile product: a tile's row is 64 bytes, 32 bfloat16.
inline constexpr int kStepColumns = 32;

inline constexpr int groups_of(int rows) {
  return (rows + kLanes - 1) / kLanes;
}

// float32 [group][column][kLanes], 64-byte aligned. Lanes beyond the last row hold anything.
struct LaneRows {
  float* data = nullptr;
  int rows = 0;
  int columns = 0;
  int first_column = 0;  // of a layer's outputs, where only some of them are kept

  int groups() const { return groups_of(rows); }
  float* at(int group, int column) const {
    const auto offset = static_cast<size_t>(column - first_column);
    return data + (static_cast<size_t>(group) * static_cast<size_t>(columns) + offset) * kLanes;
  }
};

// How the input of a product lies in memory.
enum class OperandFormat : uint8_t {
  floats,          // float32
  rounded_floats,  // float32 that hold bfloat16 values
  pairs,           // bfloat16, columns in pairs: the right operand of tile products
  split_pairs,     // the same for x = high + middle + low, three bfloat16 that together hold x exactly enough
};

inline constexpr int kSplitParts = 3;  // 3 x 8 bits of mantissa: all 24 of a float32

// The input of a product. Fewer than kLanes rows lie closer, so that reading one row reads nothing else.
//   floats, rounded_floats: float32 [group][column][width]
//   pairs, split_pairs, more than kLanes rows: [double group][step][part][2 halves][16 column pairs][16
//   rows][2]
//                       at most kLanes rows:   [step][part][16 column pairs][width][2]
// where a double group is 32 rows (half 0 and 1 are groups), a step is kStepColumns columns, part is 1 or
// kSplitParts. `columns` is a multiple of kStepColumns; columns beyond the layer's inputs are zero.
struct Operand {
  std::byte* data = nullptr;
  OperandFormat format = OperandFormat::floats;
  int rows = 0;
  int columns = 0;

  int width() const { return rows < kLanes ? rows : kLanes; }
  int parts() const { return format == OperandFormat::split_pairs ? kSplitParts : 1; }
  bool paired() const { return format == OperandFormat::pairs || format == OperandFormat::split_pairs; }
  bool halves() const { return rows > kLanes; }
  int steps() const { return columns / kStepColumns; }

  // Bytes of the pairs of one step, one part, one half.
  size_t tile_bytes() const { return static_cast<size_t>(16 * 4) * static_cast<size_t>(width()); }
  size_t part_bytes() const { return tile_bytes() * (halves() ? 2 : 1); }
  size_t step_bytes() const { return part_bytes() * static_cast<size_t>(parts()); }
  // Bytes of a group (floats) or a double group (pairs).
  size_t group_bytes() const {
    if (paired()) return step_bytes() * static_cast<size_t>(steps());
    return sizeof(float) * static_cast<size_t>(columns) * static_cast<size_t>(width());
  }
  size_t bytes() const {
    const int groups = paired() ? (rows + 2 * kLanes - 1) / (2 * kLanes) : groups_of(rows);
    return group_bytes() * static_cast<size_t>(groups);
  }

  float* floats_at(int group, int column) const {
    return reinterpret_cast<float*>(data + static_cast<size_t>(group) * group_bytes()) +
           static_cast<size_t>(column) * static_cast<size_t>(width());
  }
  // The pair that begins with the even `column`, of the first row of a group: width() x 2 bfloat16.
  std::byte* pair_at(int group, int column, int part) const {
    const std::byte* begin = data;
    const auto step = static_cast<size_t>(column / kStepColumns);
    size_t offset = step * step_bytes() + static_cast<size_t>(part) * part_bytes();
    if (halves()) {
      offset +=
          static_cast<size_t>(group / 2) * group_bytes() + static_cast<size_t>(group % 2) * tile_bytes();
    }
    offset += static_cast<size_t>(column % kStepColumns / 2) * static_cast<size_t>(width()) * 4;
    return const_cast<std::byte*>(begin) + offset;
  }
};

}  // namespace sizeup::cpu
