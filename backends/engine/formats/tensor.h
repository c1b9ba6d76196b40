// A weight as it lies in a file: name, element type, shape, bytes. Nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/block_formats.h"

namespace sizeup {

// Computes the rows of a weight that no TensorType describes: codes whose scales are other tensors, a weight
// that an adapter changes, rows in another order than the file's. So devices need not know such forms, and
// memory never holds a second copy.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::string_view format() const = 0;  // "FP8", for people
  virtual int64_t stored_bytes() const = 0;     // in the file, with scales and what else belongs to it
  // Row `row` of the whole weight; may be called from several threads at once.
  virtual void compute_row(int64_t row, std::span<float> out) const = 0;
  // The same as blocks of the tensor's type: as float32, unless the source is of tensors of another type.
  virtual void compute_blocks(int64_t row, std::span<std::byte> out) const;
};

struct Tensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<int64_t> shape;       // outermost first: a linear layer's weight is {outputs, inputs}
  std::span<const std::byte> data;  // rows one after another; lives as long as the checkpoint
  // If set, the rows are computed, as blocks of `type`; data are the bytes that most of the computing reads.
  const RowSource* computed = nullptr;  // lives as long as the checkpoint
  int64_t first_row = 0;                // of the computed weight, if this is a part of it

  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  int64_t rows() const;  // elements / columns
};

// Rows [first, first + count) as a matrix of their own, whose data stay where they are.
Tensor rows_of(const Tensor& tensor, int64_t first, int64_t count);

// Row `row` as float32, exactly as the format defines it. out.size() == columns().
void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out);

// The same as it is stored, or would be: blocks of the tensor's type. out.size() == row_bytes(type, columns).
void copy_row(const Tensor& tensor, int64_t row, std::span<std::byte> out);

// All of a tensor of one row, a bias for example, as float32; nullptr has no values.
std::vector<float> values_of(const Tensor* vector);

// What the file has: "Q8_0", or the name of a form whose rows are computed; and how many bytes of it.
std::string_view stored_format(const Tensor& tensor);
int64_t stored_bytes(const Tensor& tensor);

}  // namespace sizeup
