// Rows that the device keeps between operations: values in lanes, or the input of a product.
#pragma once

#include "backends/cpu/lanes.h"
#include "backends/engine/device.h"
#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

class Activations {
 public:
  Activations(int columns, RowsUse use, OperandFormat format)
      : columns_(columns), use_(use), format_(format) {}

  int columns() const { return columns_; }
  int rows() const { return rows_; }
  RowsUse use() const { return use_; }
  size_t bytes() const { return buffer_.size(); }

  // Contents are lost.
  void resize(int rows);
  LaneRows values() const;
  Operand operand() const;

 private:
  int columns_;
  RowsUse use_;
  OperandFormat format_;
  int rows_ = 0;
  HugeBuffer buffer_;
};

}  // namespace sizeup::cpu
