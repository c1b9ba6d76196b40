#include "backends/engine/formats/tensor.h"

#include "core/errors/result.h"

namespace sizeup {
namespace {

// Of the tensor's rows [first, first + count).
std::span<const std::byte> bytes_of(const Tensor& tensor, int64_t first, int64_t count) {
  require(first >= 0 && count >= 0 && first + count <= tensor.rows(), "the rows are in the tensor");
  const int64_t bytes = row_bytes(tensor.type, tensor.columns());
  require((first + count) * bytes <= static_cast<int64_t>(tensor.data.size()),
          "the reader checked the tensor's size");
  return tensor.data.subspan(static_cast<size_t>(first * bytes), static_cast<size_t>(count * bytes));
}

}  // namespace

int64_t Tensor::rows() const {
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) count *= shape[i];
  return count;
}

Tensor rows_of(const Tensor& tensor, int64_t first, int64_t count) {
  return {.name = tensor.name,
          .type = tensor.type,
          .shape = {count, tensor.columns()},
          .data = bytes_of(tensor, first, count)};
}

void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out) {
  require(static_cast<int64_t>(out.size()) == tensor.columns(),
          "the row's buffer has one float for each column");
  block_format(tensor.type).dequantise(bytes_of(tensor, row, 1).data(), tensor.columns(), out.data());
}

}  // namespace sizeup
