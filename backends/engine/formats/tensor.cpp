#include "backends/engine/formats/tensor.h"

#include "core/errors/result.h"

namespace sizeup {

int64_t Tensor::rows() const {
  int64_t count = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) count *= shape[i];
  return count;
}

const std::byte* row_blocks(const Tensor& tensor, int64_t row) {
  require(row >= 0 && row < tensor.rows(), "the row is in the tensor");
  const int64_t bytes = row_bytes(tensor.type, tensor.columns());
  const int64_t start = row * bytes;
  require(start + bytes <= static_cast<int64_t>(tensor.data.size()), "the reader checked the tensor's size");
  return tensor.data.data() + start;
}

void dequantise_row(const Tensor& tensor, int64_t row, std::span<float> out) {
  const int64_t columns = tensor.columns();
  require(static_cast<int64_t>(out.size()) == columns, "the row's buffer has one float for each column");
  block_format(tensor.type).dequantise(row_blocks(tensor, row), columns, out.data());
}

}  // namespace sizeup
