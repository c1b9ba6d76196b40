// MXFP4 as gpt-oss has it: blocks of 32 weights along the inputs, 16 bytes of 4-bit floats with a power of
// two in another tensor (the OCP Microscaling Formats specification). GGUF's blocks hold the same numbers in
// another order, so that they stay as small in memory as in the file.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "backends/engine/formats/quantised/stored_tensors.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr std::string_view kBlocks = "_blocks";
constexpr int kWeights = 32;     // of a block
constexpr int kCodeBytes = 16;   // of a block: two weights in each, the first in the low half
constexpr int kBlockBytes = 17;  // of GGUF's: the power, then weights i and i + 16 in each byte

// The i-th code of a block.
std::byte code_at(const std::byte* codes, int i) {
  const std::byte two = codes[i / 2];
  return i % 2 == 0 ? two & std::byte{15} : two >> 4;
}

class Mxfp4Rows : public RowSource {
 public:
  Mxfp4Rows(std::span<const std::byte> codes, std::span<const std::byte> powers, int64_t blocks)
      : codes_(codes), powers_(powers), blocks_(blocks) {}

  std::string_view format() const override { return block_format(TensorType::mxfp4).name; }
  int64_t stored_bytes() const override { return static_cast<int64_t>(codes_.size() + powers_.size()); }
  void compute_row(int64_t row, std::span<float> out) const override {
    std::array<std::byte, kBlockBytes> block{};
    for (int64_t b = 0; b < blocks_; ++b) {
      write_block(row * blocks_ + b, block.data());
      block_format(TensorType::mxfp4).dequantise(block.data(), kWeights, out.data() + b * kWeights);
    }
  }
  void compute_blocks(int64_t row, std::span<std::byte> out) const override {
    for (int64_t b = 0; b < blocks_; ++b) write_block(row * blocks_ + b, out.data() + b * kBlockBytes);
  }

 private:
  void write_block(int64_t index, std::byte* out) const {
    const std::byte* codes = codes_.data() + index * kCodeBytes;
    out[0] = powers_[static_cast<size_t>(index)];
    for (int i = 0; i < kCodeBytes; ++i) out[1 + i] = code_at(codes, i) | code_at(codes, i + kCodeBytes) << 4;
  }

  std::span<const std::byte> codes_, powers_;
  int64_t blocks_;  // of a row
};

// NAME_blocks of {..., rows, blocks, 16} and NAME_scales become NAME_blocks of {..., rows, inputs}. The name
// stays: NAME is what files call the same weights transposed.
Result<void> read_weight(const StoredTensor& codes, StoredTensors& tensors) {
  tensors.take(codes.name);
  const std::string scales_name =
      codes.name.substr(0, codes.name.size() - kBlocks.size()) + std::string("_scales");
  const StoredTensor* scales = tensors.take(scales_name);
  if (scales == nullptr) {
    return tensors.wrong(scales_name, "is missing", fmt::format("beside '{}'", shown_name(codes.name)));
  }
  const bool blocks = codes.dtype == "U8" && codes.shape.size() >= 3 && codes.shape.back() == kCodeBytes &&
                      !codes.data.empty();
  if (!blocks) {
    return tensors.wrong(codes.name, fmt::format("is {} of {}", codes.dtype, shape_text(codes.shape)),
                         fmt::format("U8 of {{..., rows, blocks, {}}}", kCodeBytes));
  }
  std::vector<int64_t> shape(codes.shape.begin(), codes.shape.end() - 1);
  if (scales->dtype != "U8" || scales->shape != shape) {
    return tensors.wrong(scales->name, fmt::format("is {} of {}", scales->dtype, shape_text(scales->shape)),
                         "U8 of " + shape_text(shape));
  }
  const int64_t count = shape.back();
  shape.back() *= kWeights;
  tensors.add(codes.name, std::move(shape), codes.data,
              std::make_unique<Mxfp4Rows>(codes.data, scales->data, count), TensorType::mxfp4);
  return {};
}

}  // namespace

Result<void> read_mxfp4(const Json& /*settings*/, StoredTensors& tensors) {
  for (const StoredTensor& tensor : tensors.all()) {
    if (!tensor.name.ends_with(kBlocks)) continue;
    if (auto read = read_weight(tensor, tensors); !read) return read;
  }
  return {};
}

}  // namespace sizeup
