// FP8: weights of one byte (sign, 4 bits of exponent, 3 of mantissa: https://arxiv.org/abs/2209.05433) times
// a scale of the whole tensor, of each row, or of each block of rows and columns.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <memory>
#include <optional>

#include "backends/engine/formats/quantised/stored_tensors.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr std::string_view kType = "F8_E4M3";

constexpr float float_from_e4m3(int code) {
  const int exponent = code >> 3 & 15;
  const int mantissa = code & 7;
  if ((code & 127) == 127) return std::bit_cast<float>(0x7FC00000u);  // the only NaN; there is no infinity
  // Bias 7: 1.m * 2^(e - 7), and m/8 * 2^-6 for e = 0.
  float value = exponent == 0 ? static_cast<float>(mantissa) : static_cast<float>(8 + mantissa);
  for (int e = exponent == 0 ? 1 : exponent; e < 10; ++e) value /= 2;
  for (int e = 10; e < exponent; ++e) value *= 2;
  return code < 128 ? value : -value;
}

constexpr std::array<float, 256> kValues = [] {
  std::array<float, 256> values{};
  for (int code = 0; code < 256; ++code) values[static_cast<size_t>(code)] = float_from_e4m3(code);
  return values;
}();
static_assert(kValues[0x7E] == 448.0F && kValues[0x01] == 0x1p-9F && kValues[0xB8] == -1.0F);

// Matrices of {rows, columns}, one after another, each with a grid of scales.
struct Grid {
  int64_t rows = 0, columns = 0;              // of a matrix
  int64_t scale_rows = 1, scale_columns = 1;  // of its grid
  int64_t block_rows = 1, block_columns = 1;  // that share a scale
  bool one = false;                           // scale for everything
};

class Fp8Rows : public RowSource {
 public:
  Fp8Rows(std::span<const std::byte> codes, std::vector<float> scales, Grid grid)
      : codes_(codes), scales_(std::move(scales)), grid_(grid) {}

  std::string_view format() const override { return "FP8"; }
  int64_t stored_bytes() const override {
    return static_cast<int64_t>(codes_.size() + scales_.size() * sizeof(float));
  }
  void compute_row(int64_t row, std::span<float> out) const override {
    const std::byte* codes = codes_.data() + row * grid_.columns;
    const int64_t scale_row =
        grid_.one ? 0 : row / grid_.rows * grid_.scale_rows + row % grid_.rows / grid_.block_rows;
    const float* scales = scales_.data() + scale_row * grid_.scale_columns;
    for (int64_t k = 0; k < grid_.columns; ++k) {
      out[static_cast<size_t>(k)] =
          kValues[std::to_integer<size_t>(codes[k])] * scales[k / grid_.block_columns];
    }
  }

 private:
  std::span<const std::byte> codes_;
  std::vector<float> scales_;
  Grid grid_;
};

struct BlockSize {
  int64_t rows = 0, columns = 0;
};

int64_t blocks_of(int64_t size, int64_t block) {
  return (size + block - 1) / block;
}

// Rows or columns under one scale: as configured, the last block perhaps smaller, or else `size` in `count`
// equal parts. 0: neither fits.
int64_t block_of(int64_t size, int64_t count, int64_t configured) {
  if (configured > 0 && blocks_of(size, configured) == count) return configured;
  return count > 0 && size % count == 0 ? size / count : 0;
}

// How the scales lie over the weight; nothing if they do not fit it.
std::optional<Grid> grid_of(const StoredTensor& weight, const StoredTensor& scale, size_t scales,
                            const std::optional<BlockSize>& block) {
  const std::vector<int64_t>& shape = weight.shape;
  Grid grid;
  grid.columns = shape.back();
  grid.rows = shape[shape.size() - 2];
  if (scales == 1) {
    grid.one = true;
    grid.block_columns = grid.columns;
    return grid;
  }
  std::vector<int64_t> over = scale.shape;
  if (over.size() + 1 == shape.size()) over.push_back(1);  // one for each row
  if (over.size() != shape.size()) return std::nullopt;
  if (!std::equal(over.begin(), over.end() - 2, shape.begin())) return std::nullopt;
  grid.scale_columns = over.back();
  grid.scale_rows = over[over.size() - 2];
  grid.block_rows = block_of(grid.rows, grid.scale_rows, block ? block->rows : 0);
  grid.block_columns = block_of(grid.columns, grid.scale_columns, block ? block->columns : 0);
  if (grid.block_rows == 0 || grid.block_columns == 0) return std::nullopt;
  return grid;
}

Result<std::optional<BlockSize>> block_size(const Json& settings, const StoredTensors& tensors) {
  const Json size = setting(settings, "weight_block_size", Json());
  if (size.is_null()) return std::optional<BlockSize>();
  const auto count = [](const Json& value) {
    return value.is_number_unsigned() && value >= 1 && value < 1 << 20;
  };
  if (!size.is_array() || size.size() != 2 || !count(size[0]) || !count(size[1]))
    return tensors.wrong_setting("weight_block_size", size, "two sizes, as [128, 128]");
  return BlockSize{size[0].get<int64_t>(), size[1].get<int64_t>()};
}

Result<void> read_weight(const StoredTensor& weight, const std::optional<BlockSize>& block,
                         StoredTensors& tensors) {
  tensors.take(weight.name);
  const StoredTensor* scale = tensors.take(weight.name + "_scale_inv");
  if (scale == nullptr) scale = tensors.take(weight.name + "_scale");
  if (scale == nullptr) {
    return tensors.wrong(weight.name, "is FP8 without a scale",
                         fmt::format("a tensor '{}_scale_inv' or '{}_scale'", shown_name(weight.name),
                                     shown_name(weight.name)));
  }
  std::vector<float> scales = floats_of(*scale);
  if (scales.empty())
    return tensors.wrong(scale->name, fmt::format("is {}", scale->dtype), "scales as floats");
  const bool matrix = weight.shape.size() >= 2 && !weight.data.empty();
  const auto grid = matrix ? grid_of(weight, *scale, scales.size(), block) : std::nullopt;
  if (!grid) {
    return tensors.wrong(scale->name, "has shape " + shape_text(scale->shape),
                         "one scale, one for each row, or one for each block of the weight's shape " +
                             shape_text(weight.shape));
  }
  // Scales of inputs are for products of FP8 with FP8.
  if (const size_t dot = weight.name.rfind('.'); dot != std::string::npos) {
    for (const char* unused : {"activation_scale", "input_scale", "input_scale_ub"})
      tensors.take(weight.name.substr(0, dot + 1) + unused);
  }
  tensors.add(weight.name, weight.shape, weight.data,
              std::make_unique<Fp8Rows>(weight.data, std::move(scales), *grid));
  return {};
}

}  // namespace

Result<void> read_compressed(const Json& settings, StoredTensors& tensors) {
  const Json format = setting(settings, "format", Json());
  if (format != "float-quantized") return tensors.wrong_setting("format", format, "\"float-quantized\"");
  return read_fp8(settings, tensors);
}

Result<void> read_fp8(const Json& settings, StoredTensors& tensors) {
  const Json kind = setting(settings, "fmt", Json("e4m3"));
  if (kind != "e4m3") return tensors.wrong_setting("fmt", kind, "\"e4m3\"");
  const auto block = block_size(settings, tensors);
  if (!block) return tl::unexpected<Error>(block.error());
  for (const StoredTensor& tensor : tensors.all()) {
    if (tensor.dtype != kType) continue;
    if (auto read = read_weight(tensor, *block, tensors); !read) return read;
  }
  return {};
}

}  // namespace sizeup
