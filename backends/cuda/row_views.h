// Rows of activations as kernels see them: plain pointers into device memory.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "backends/cuda/host_device.h"
#include "backends/engine/device.h"

namespace sizeup::cuda {

// Row-major; rows begin at multiples of 64 bytes, so that four columns from a multiple of four on are one
// aligned access. What lies between `columns` and `stride` is neither read nor written.
template <class T>
struct Rows {
  T* data = nullptr;
  int64_t stride = 0;  // elements from one row to the next
  int rows = 0;
  int columns = 0;

  SIZEUP_HOST_DEVICE T* row(int64_t index) const { return data + index * stride; }
  template <std::same_as<const T> U>
  requires(!std::is_const_v<T>) operator Rows<U>() const { return {data, stride, rows, columns}; }
};
using ValueRows = Rows<float>;
using ConstValueRows = Rows<const float>;

// What a product reads (RowsUse::operand): float or __nv_bfloat16 by the precision. Rows of RowsUse::routed
// are those of Precision::float32.
struct OperandRows {
  void* data = nullptr;
  int64_t stride = 0;  // elements
  int rows = 0;
  int columns = 0;
  Precision precision = Precision::float32;
};

}  // namespace sizeup::cuda
