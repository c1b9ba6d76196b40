#include "backends/engine/formats/block_formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "backends/engine/formats/blocks.h"
#include "backends/engine/formats/gguf.h"
#include "backends/engine/formats/safetensors.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

std::string hexadecimal(const std::vector<float>& values) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) {
      const uint32_t part = (bits >> (8 * byte)) & 0xFF;
      text += kDigits[part >> 4];
      text += kDigits[part & 0xF];
    }
  }
  return text;
}

std::vector<float> all_values(const Tensor& tensor) {
  std::vector<float> values;
  std::vector<float> row(static_cast<size_t>(tensor.columns()));
  for (int64_t r = 0; r < tensor.rows(); ++r) {
    dequantise_row(tensor, r, row);
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

Json golden() {
  return *parse_json(read_whole(golden_folder() / "formats" / "tiny.json"), "tiny.json");
}

void expect_equal(const std::vector<Tensor>& tensors, const Json& expected) {
  ASSERT_EQ(tensors.size(), expected.size());
  for (const Tensor& tensor : tensors) {
    SCOPED_TRACE(tensor.name);
    ASSERT_TRUE(expected.contains(tensor.name));
    const Json& values = expected[tensor.name];
    EXPECT_EQ(block_format(tensor.type).name, values["type"].get<std::string>());
    EXPECT_EQ(tensor.shape, values["shape"].get<std::vector<int64_t>>());
    EXPECT_EQ(hexadecimal(all_values(tensor)), values["bits"].get<std::string>());
  }
}

TEST(BlockFormats, DequantiseBitForBitAsTheGgufPackage) {
  const std::string bytes = read_whole(golden_folder() / "formats" / "tiny.gguf");
  const auto content = parse_gguf(as_bytes(bytes), "tiny.gguf");
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  expect_equal(content->tensors, golden()["gguf"]);
}

// Random bytes as blocks, with every kind of scale: zeros, subnormals, the largest, infinities and NaNs. All
// NaNs are one value: their bits are not part of a format.
TEST(BlockFormats, DequantiseAnyBlockBitForBitAsTheGgufPackage) {
  const std::string bytes = read_whole(golden_folder() / "formats" / "blocks.gguf");
  const auto content = parse_gguf(as_bytes(bytes), "blocks.gguf");
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  const Json expected = *parse_json(read_whole(golden_folder() / "formats" / "blocks.json"), "blocks.json");
  std::set<TensorType> seen;
  for (const Tensor& tensor : content->tensors) {
    SCOPED_TRACE(tensor.name);
    EXPECT_EQ(block_format(tensor.type).name, tensor.name);
    seen.insert(tensor.type);
    const Json& values = expected[tensor.name];
    ASSERT_EQ(static_cast<size_t>(tensor.rows()), values["row_sha256"].size());
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    for (int64_t r = 0; r < tensor.rows(); ++r) {
      dequantise_row(tensor, r, row);
      for (float& value : row) {
        if (std::isnan(value)) value = std::bit_cast<float>(0x7FC00000U);
      }
      if (r == 0) {
        EXPECT_EQ(hexadecimal(row), values["first_row_bits"].get<std::string>());
      }
      const std::string_view raw(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float));
      EXPECT_EQ(sha256_hex(raw), values["row_sha256"][static_cast<size_t>(r)].get<std::string>()) << r;
    }
  }
  for (const BlockFormat& format : block_formats()) {
    EXPECT_EQ(seen.contains(format.type), format.block_elements > 1) << format.name;
  }
}

// What kernels rely on: level * scale is exact, so a fused multiply-add gives the same bits.
template <class Format>
void expect_exact_products(const std::vector<Tensor>& tensors, std::string_view name) {
  const auto tensor = std::find_if(tensors.begin(), tensors.end(),
                                   [&](const Tensor& candidate) { return candidate.name == name; });
  ASSERT_NE(tensor, tensors.end());
  const auto* block = reinterpret_cast<const uint8_t*>(tensor->data.data());
  const auto* end = block + tensor->data.size();
  for (; block != end; block += Format::kBytes) {
    float values[Format::kElements];
    blocks::dequantise<Format>(block, values);
    for (int i = 0; i < Format::kElements; ++i) {
      if (!std::isfinite(values[i])) continue;
      const int group = i / Format::kGroup;
      const double level = Format::level(block, i);
      const double product = level * static_cast<double>(Format::scale(block, group));
      ASSERT_EQ(static_cast<double>(static_cast<float>(product)), product) << name << ' ' << i;
      const float fused =
          std::fma(static_cast<float>(level), Format::scale(block, group), Format::offset(block, group));
      ASSERT_EQ(std::bit_cast<uint32_t>(fused), std::bit_cast<uint32_t>(values[i])) << name << ' ' << i;
    }
  }
}

TEST(BlockFormats, HaveExactProducts) {
  const std::string bytes = read_whole(golden_folder() / "formats" / "blocks.gguf");
  const auto content = parse_gguf(as_bytes(bytes), "blocks.gguf");
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  expect_exact_products<blocks::Q4_0>(content->tensors, "Q4_0");
  expect_exact_products<blocks::Q4_1>(content->tensors, "Q4_1");
  expect_exact_products<blocks::Q5_0>(content->tensors, "Q5_0");
  expect_exact_products<blocks::Q5_1>(content->tensors, "Q5_1");
  expect_exact_products<blocks::Q8_0>(content->tensors, "Q8_0");
  expect_exact_products<blocks::Q2K>(content->tensors, "Q2_K");
  expect_exact_products<blocks::Q3K>(content->tensors, "Q3_K");
  expect_exact_products<blocks::Q4K>(content->tensors, "Q4_K");
  expect_exact_products<blocks::Q5K>(content->tensors, "Q5_K");
  expect_exact_products<blocks::Q6K>(content->tensors, "Q6_K");
  expect_exact_products<blocks::IQ4NL>(content->tensors, "IQ4_NL");
  expect_exact_products<blocks::IQ4XS>(content->tensors, "IQ4_XS");
  expect_exact_products<blocks::MXFP4>(content->tensors, "MXFP4");
}

TEST(BlockFormats, DequantiseBitForBitAsTheSafetensorsPackage) {
  const std::string bytes = read_whole(golden_folder() / "formats" / "tiny.safetensors");
  auto stored = parse_safetensors(as_bytes(bytes), "tiny.safetensors");
  ASSERT_TRUE(stored.has_value()) << describe(stored.error());
  const auto tensors = plain_tensors(std::move(*stored), "tiny.safetensors");
  ASSERT_TRUE(tensors.has_value()) << describe(tensors.error());
  expect_equal(*tensors, golden()["safetensors"]);
}

TEST(BlockFormats, ConvertEveryHalfPrecisionNumber) {
  std::vector<uint16_t> halves(1 << 16);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> values(halves.size());
  block_format(TensorType::f16).dequantise(halves.data(), static_cast<int64_t>(halves.size()), values.data());
  for (size_t i = 0; i < halves.size(); ++i) {
    const bool nan = (halves[i] & 0x7C00) == 0x7C00 && (halves[i] & 0x3FF) != 0;
    ASSERT_EQ(std::isnan(values[i]), nan) << i;
    if (nan) values[i] = 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  EXPECT_EQ(sha256_hex(bytes), golden()["half_sha256"].get<std::string>());
}

TEST(BlockFormats, AreFoundByTheirGgufNumbers) {
  for (const BlockFormat& format : block_formats()) {
    EXPECT_EQ(tensor_type_from_gguf(format.gguf_id), format.type);
    EXPECT_EQ(block_format(format.type).name, format.name);
  }
  EXPECT_FALSE(tensor_type_from_gguf(9).has_value());
}

}  // namespace
}  // namespace sizeup
