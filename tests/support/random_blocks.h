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
    dequantise();
  }
  RandomBlocks(const RandomBlocks&) = delete;
  RandomBlocks& operator=(const RandomBlocks&) = delete;

  const Tensor& tensor() const { return tensor_; }
  // change(bytes of a block) for every block.
  template <class Change>
  void edit(const Change& change) {
    const auto size = static_cast<size_t>(block_format(tensor_.type).block_bytes);
    for (size_t at = 0; at < bytes_.size(); at += size) change(std::span(bytes_).subspan(at, size));
    dequantise();
  }

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

  void dequantise() {
    const auto columns = static_cast<size_t>(columns_);
    values_.resize(static_cast<size_t>(tensor_.rows()) * columns);
    for (int64_t row = 0; row < tensor_.rows(); ++row) {
      dequantise_row(tensor_, row, std::span(values_).subspan(static_cast<size_t>(row) * columns, columns));
    }
  }

  int columns_;
  std::vector<std::byte> bytes_;
  Tensor tensor_;
  std::vector<float> values_;
};

}  // namespace sizeup
