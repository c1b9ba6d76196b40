// Tensors of any format with random contents: for kernels, which must give what dequantising gives.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

// Random bytes, drawn again where a scale makes a weight huge, infinite or no number.
class RandomBlocks {
 public:
  RandomBlocks(TensorType type, int rows, int columns, unsigned seed) : columns_(columns) {
    const BlockFormat& format = block_format(type);
    const size_t blocks = static_cast<size_t>(rows) * static_cast<size_t>(columns / format.block_elements);
    const auto bytes = static_cast<size_t>(format.block_bytes);
    bytes_.resize(blocks * bytes);
    std::mt19937 random(seed);
    for (size_t i = 0; i < blocks; ++i) fill(format, std::span(bytes_).subspan(i * bytes, bytes), random);
    tensor_.type = type;
    tensor_.shape = {rows, columns};
    tensor_.data = bytes_;
    for (int row = 0; row < rows; ++row) {
      values_.resize(values_.size() + static_cast<size_t>(columns));
      dequantise_row(tensor_, row, std::span(values_).last(static_cast<size_t>(columns)));
    }
  }
  RandomBlocks(const RandomBlocks&) = delete;
  RandomBlocks& operator=(const RandomBlocks&) = delete;

  const Tensor& tensor() const { return tensor_; }
  // What the blocks stand for.
  const float* row(int index) const { return values_.data() + static_cast<size_t>(index * columns_); }

 private:
  static void fill(const BlockFormat& format, std::span<std::byte> block, std::mt19937& random) {
    std::vector<float> values(static_cast<size_t>(format.block_elements));
    const auto sane = [&] {
      format.dequantise(block.data(), format.block_elements, values.data());
      return std::all_of(values.begin(), values.end(), [](float v) { return std::abs(v) < 1e4F; });
    };
    do {
      for (std::byte& byte : block) byte = static_cast<std::byte>(random());
    } while (!sane());
  }

  int columns_;
  std::vector<std::byte> bytes_;
  Tensor tensor_;
  std::vector<float> values_;
};

}  // namespace sizeup
