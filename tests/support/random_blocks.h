// Tensors of any format with random contents: for kernels, which must give what dequantising gives.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

// A block of random bytes, drawn again until its largest weight in magnitude suits.
template <class Suits>
void draw_block(const BlockFormat& format, std::span<std::byte> block, std::mt19937& random,
                const Suits& suits) {
  std::vector<float> weights(static_cast<size_t>(format.block_elements));
  const auto largest = [&] {  // NaN if any is
    format.dequantise(block.data(), format.block_elements, weights.data());
    float most = 0.0F;
    for (const float weight : weights) {
      if (std::isnan(weight)) return weight;
      most = std::max(most, std::abs(weight));
    }
    return most;
  };
  do {
    for (std::byte& byte : block) byte = static_cast<std::byte>(random());
  } while (!suits(largest()));
}

// Random bytes whose scales make no weight huge, infinite or no number.
class RandomBlocks {
 public:
  RandomBlocks(TensorType type, int rows, int columns, unsigned seed) : columns_(columns) {
    const BlockFormat& format = block_format(type);
    const size_t blocks = static_cast<size_t>(rows) * static_cast<size_t>(columns / format.block_elements);
    const auto bytes = static_cast<size_t>(format.block_bytes);
    bytes_.resize(blocks * bytes);
    std::mt19937 random(seed);
    for (size_t i = 0; i < blocks; ++i) {
      draw_block(format, std::span(bytes_).subspan(i * bytes, bytes), random,
                 [](float largest) { return largest < 1e4F; });
    }
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
