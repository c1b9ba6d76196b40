// The rows of one RowsId in device memory.
#pragma once

#include "backends/cuda/device_memory.h"
#include "backends/cuda/row_views.h"
#include "backends/cuda/tile_product.h"

namespace sizeup::cuda {

// Padding between columns and stride is zero at first and stays so: products read it.
class Activations {
 public:
  Activations(int columns, RowsUse use, Precision precision)
      : columns_(columns),
        precision_(use == RowsUse::operand ? precision : Precision::float32),
        stride_(padded_inputs(columns)) {}

  // Values are lost if there was no room for so many rows.
  void resize(int rows) {
    memory_.require_bytes(static_cast<size_t>(rows) * static_cast<size_t>(stride_) * element_bytes());
    rows_ = rows;
  }

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  int64_t stride() const { return stride_; }
  bool is_rounded() const { return precision_ == Precision::bfloat16; }
  const void* data() const { return memory_.as(); }

  ValueRows values() const {
    require(!is_rounded(), "rows of values are floats");
    return {memory_.as<float>(), stride_, rows_, columns_};
  }
  OperandRows operand() const { return {memory_.as(), stride_, rows_, columns_, precision_}; }
  // Rows [first, first + count) of the operand.
  OperandRows part(int first, int count) const {
    const size_t skipped = static_cast<size_t>(first) * static_cast<size_t>(stride_) * element_bytes();
    return {memory_.as() + skipped, stride_, count, columns_, precision_};
  }

 private:
  size_t element_bytes() const { return is_rounded() ? sizeof(uint16_t) : sizeof(float); }

  int columns_;
  Precision precision_;
  int64_t stride_;
  int rows_ = 0;
  DeviceMemory memory_;
};

}  // namespace sizeup::cuda
