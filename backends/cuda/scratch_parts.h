// Cuts a piece of device memory that one operation uses into its arrays.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

// Arrays begin at multiples of 256 bytes from the scratch's begin, which is one itself. Without a scratch
// only the bytes are counted.
class ScratchParts {
 public:
  explicit ScratchParts(std::byte* begin) : begin_(begin) {}

  template <class T>
  T* take(int64_t count) {
    std::byte* part = begin_ == nullptr ? nullptr : begin_ + used_;
    used_ += (static_cast<size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(part);
  }
  ValueRows values(int rows, int columns) {
    const int64_t stride = stride_of(columns);
    return {take<float>(rows * stride), stride, rows, columns};
  }
  OperandRows operand(int rows, int columns, Precision precision) {
    const int64_t stride = stride_of(columns);
    const int64_t size = precision == Precision::float32 ? 4 : 2;
    return {take<std::byte>(rows * stride * size), stride, rows, columns, precision};
  }
  size_t used() const { return used_; }

 private:
  static constexpr size_t kAlignment = 256;
  static constexpr int64_t kRowElements = 32;  // rows of all types begin at multiples of 64 bytes

  static int64_t stride_of(int columns) { return (columns + kRowElements - 1) / kRowElements * kRowElements; }

  std::byte* begin_;
  size_t used_ = 0;
};

}  // namespace sizeup::cuda
