#include "backends/cpu/pack_tiles.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/cpu/tile_product.h"
#include "backends/engine/formats/bfloat16.h"

namespace sizeup::cpu {
namespace {

// Of the first inputs of an output in its panel; the next kStepColumns inputs lie kStepWeightBytes further
// on.
size_t row_offset(const PackedLinear& packed, int output) {
  const int in_panel = output % kTilePanelOutputs;
  return static_cast<size_t>(output / kTilePanelOutputs) * packed.panel_bytes +
         static_cast<size_t>(in_panel) * kStepColumns * sizeof(uint16_t);
}

}  // namespace

void pack_tile_row(std::span<const float> row, int output, PackedLinear& to) {
  std::byte* place = to.weights.data() + row_offset(to, output);
  for (size_t column = 0; column < row.size(); column += kStepColumns, place += kStepWeightBytes) {
    const size_t count = std::min<size_t>(kStepColumns, row.size() - column);
    uint16_t rounded[kStepColumns] = {};
    for (size_t i = 0; i < count; ++i) rounded[i] = to_bfloat16(row[column + i]);
    std::memcpy(place, rounded, sizeof rounded);
  }
}

void read_tile_row(const PackedLinear& from, int output, std::span<float> row) {
  const std::byte* place = from.weights.data() + row_offset(from, output);
  for (size_t column = 0; column < row.size(); column += kStepColumns, place += kStepWeightBytes) {
    uint16_t stored[kStepColumns];
    std::memcpy(stored, place, sizeof stored);
    const size_t count = std::min<size_t>(kStepColumns, row.size() - column);
    for (size_t i = 0; i < count; ++i) row[column + i] = from_bfloat16(stored[i]);
  }
}

}  // namespace sizeup::cpu
