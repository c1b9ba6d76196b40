// Rows as the input of a product on the CPU device, value by value.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

#include "backends/cpu/lanes.h"
#include "backends/engine/formats/bfloat16.h"
#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

// The first `rows` of values ([row][columns]) as floats or as pairs; padding columns are zero, padding lanes
// NaN: nobody may look at them.
struct OperandRows {
  HugeBuffer buffer;
  Operand operand;

  OperandRows(const float* values, int rows, int columns, OperandFormat format = OperandFormat::floats) {
    operand = {.data = nullptr,
               .format = format,
               .rows = rows,
               .columns = (columns + kStepColumns - 1) / kStepColumns * kStepColumns};
    buffer = HugeBuffer(operand.bytes());
    operand.data = buffer.data();
    for (int row = 0; row < groups_of(rows) * operand.width(); ++row) {
      for (int column = 0; column < operand.columns; ++column) {
        float value = std::numeric_limits<float>::quiet_NaN();
        if (row < rows) value = column < columns ? values[row * columns + column] : 0.0F;
        put(row, column, value);
      }
    }
  }

 private:
  void put(int row, int column, float value) {
    const int group = row / kLanes;
    const int lane = row % kLanes;
    if (operand.format == OperandFormat::floats) {
      operand.floats_at(group, column)[lane] = value;
      return;
    }
    const uint16_t bits = to_bfloat16(value);
    std::memcpy(operand.pair_at(group, column / 2 * 2, 0) + 4 * lane + 2 * (column % 2), &bits, sizeof bits);
  }
};

}  // namespace sizeup::cpu
