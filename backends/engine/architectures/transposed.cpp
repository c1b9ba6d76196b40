#include "backends/engine/architectures/transposed.h"

#include <cstring>

namespace sizeup {
namespace {

class TransposedRows : public RowSource {
 public:
  explicit TransposedRows(const Tensor& matrix) : matrix_(matrix), format_(block_format(matrix.type)) {}

  std::string_view format() const override { return format_.name; }
  int64_t stored_bytes() const override { return static_cast<int64_t>(matrix_.data.size()); }
  void compute_row(int64_t row, std::span<float> out) const override {
    const auto bytes = static_cast<size_t>(format_.block_bytes);
    const size_t stride = bytes * static_cast<size_t>(matrix_.columns());
    const std::byte* from = matrix_.data.data() + bytes * static_cast<size_t>(row);
    if (matrix_.type == TensorType::f32) {  // as nearly all such files
      for (float& weight : out) {
        std::memcpy(&weight, from, sizeof(float));
        from += stride;
      }
      return;
    }
    for (float& weight : out) {
      format_.dequantise(from, 1, &weight);
      from += stride;
    }
  }

 private:
  Tensor matrix_;
  const BlockFormat& format_;
};

}  // namespace

std::unique_ptr<const RowSource> transpose(const Tensor& matrix) {
  const bool plain = matrix.computed == nullptr && block_format(matrix.type).block_elements == 1;
  return plain ? std::make_unique<const TransposedRows>(matrix) : nullptr;
}

}  // namespace sizeup
