#include "backends/engine/formats/tensor.h"

#include <algorithm>

#include "core/errors/result.h"

namespace sizeup {
namespace {

// Of the tensor's rows [first, first + count).
std::span<const std::byte> bytes_of(const Tensor& tensor, int64_t first, int64_t count) {
  require(tensor.computed == nullptr, "computed rows have no bytes");
  require(first >= 0 && count >= 0 && first + count <= tensor.rows(), "the rows are in the tensor");
  const int64_t bytes = row_bytes(tensor.type, tensor.columns());
  require((first + count) * bytes <= static_cast<int64_t>(tensor.data.size()),
          "the reader checked the tensor's size");
  return tensor.data.subspan(static_cast<size_t>(first * bytes), static_cast<size_t>(count * bytes));
}

}  // namespace

void RowSource::compute_blocks(int64_t row, std::span<std::byte> out) const {
  std::vector<float> values(out.size() / sizeof(float));
  compute_row(row, values);
  std::ranges::copy(std::as_bytes(std::span(values)), out.begin());
}

int64_t Tensor::rows() const {
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) count *= shape[i];
  return count;
}

Tensor rows_of(const Tensor& tensor, int64_t first, int64_t count) {
  Tensor part = tensor;
  part.shape = {count, tensor.columns()};
  if (tensor.computed == nullptr) {
    part.data = bytes_of(tensor, first, count);
  } else {
    part.first_row += first;
  }
  return part;
}

void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out) {
  require(static_cast<int64_t>(out.size()) == tensor.columns(),
          "the row's buffer has one float for each column");
  if (tensor.computed != nullptr) return tensor.computed->compute_row(tensor.first_row + row, out);
  block_format(tensor.type).dequantise(bytes_of(tensor, row, 1).data(), tensor.columns(), out.data());
}

void copy_row(const Tensor& tensor, int64_t row, std::span<std::byte> out) {
  require(static_cast<int64_t>(out.size()) == row_bytes(tensor.type, tensor.columns()),
          "the row's buffer has room for its blocks");
  if (tensor.computed != nullptr) return tensor.computed->compute_blocks(tensor.first_row + row, out);
  std::ranges::copy(bytes_of(tensor, row, 1), out.begin());
}

std::vector<float> values_of(const Tensor* vector) {
  if (vector == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(vector->columns()));
  dequantise_row(*vector, 0, values);
  return values;
}

std::string_view stored_format(const Tensor& tensor) {
  return tensor.computed != nullptr ? tensor.computed->format() : block_format(tensor.type).name;
}

int64_t stored_bytes(const Tensor& tensor) {
  return tensor.computed != nullptr ? tensor.computed->stored_bytes()
                                    : static_cast<int64_t>(tensor.data.size());
}

}  // namespace sizeup
