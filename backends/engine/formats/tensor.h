// A weight as it lies in a file: name, element type, shape, bytes. Nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/engine/formats/block_formats.h"

namespace sizeup {

struct Tensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<int64_t> shape;       // outermost first: a linear layer's weight is {outputs, inputs}
  std::span<const std::byte> data;  // rows one after another; lives as long as the checkpoint

  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const;  // elements / columns
};

// Rows [first, first + count) as a matrix of their own, whose data stay where they are.
Tensor rows_of(const Tensor& tensor, int64_t first, int64_t count);

// Row `row` as float32, exactly as the format defines it. out.size() == columns().
void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out);

}  // namespace sizeup
