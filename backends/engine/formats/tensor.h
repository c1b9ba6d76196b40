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

// The blocks of row `row`, as they lie in the file.
const std::byte* row_blocks(const Tensor& tensor, int64_t row);

// Row `row` as float32, exactly as the format defines it. out.size() == columns().
void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out);

}  // namespace sizeup
