#include "backends/engine/formats/tensor_views.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sizeup {
namespace {

std::vector<float> row_of(const Tensor& tensor, int64_t row) {
  std::vector<float> values(static_cast<size_t>(tensor.columns()));
  dequantise_row(tensor, row, values);
  // The row as it is stored holds the same.
  std::vector<std::byte> stored(static_cast<size_t>(row_bytes(tensor.type, tensor.columns())));
  copy_row(tensor, row, stored);
  std::vector<float> of_stored(values.size());
  block_format(tensor.type).dequantise(stored.data(), tensor.columns(), of_stored.data());
  EXPECT_EQ(of_stored, values) << row;
  return values;
}

// 0, 1, 2, ... as {4, 3} of float32.
class TensorViews : public testing::Test {
 protected:
  TensorViews() {
    std::iota(values_.begin(), values_.end(), 0.0F);
    tensor_.shape = {4, 3};
    tensor_.data = std::as_bytes(std::span(values_));
  }

  std::vector<float> values_ = std::vector<float>(12);
  Tensor tensor_;
  RowSources sources_;
};

using Row = std::vector<float>;

TEST_F(TensorViews, ATransposedMatrixHasColumnsAsRows) {
  const Tensor view = transposed(tensor_, sources_);
  EXPECT_EQ(view.shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(row_of(view, 0), (Row{0, 3, 6, 9}));
  EXPECT_EQ(row_of(view, 2), (Row{2, 5, 8, 11}));
  EXPECT_EQ(row_of(rows_of(view, 1, 2), 1), (Row{2, 5, 8, 11}));
  EXPECT_EQ(stored_format(view), "F32");
}

TEST_F(TensorViews, HalfOfAnElementIsNotMixedWithItsNeighbour) {
  const std::vector<uint16_t> halves = {0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0, 0x40C0};  // 1 to 6
  Tensor tensor;
  tensor.type = TensorType::bf16;
  tensor.shape = {2, 3};
  tensor.data = std::as_bytes(std::span(halves));
  const Tensor view = transposed(tensor, sources_);
  EXPECT_EQ(view.type, TensorType::bf16);
  EXPECT_EQ(row_of(view, 1), (Row{2, 5}));
}

TEST_F(TensorViews, EverySecondRowMayBeOfAView) {
  const Tensor odd = every_second_row(tensor_, 1, sources_);
  EXPECT_EQ(odd.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(row_of(odd, 0), (Row{3, 4, 5}));
  EXPECT_EQ(row_of(odd, 1), (Row{9, 10, 11}));
  const Tensor columns = rows_of(transposed(tensor_, sources_), 1, 2);
  EXPECT_EQ(row_of(every_second_row(columns, 1, sources_), 0), (Row{2, 5, 8, 11}));
  EXPECT_EQ(row_of(every_second_row(rows_of(tensor_, 2, 2), 1, sources_), 0), (Row{9, 10, 11}));
}

}  // namespace
}  // namespace sizeup
