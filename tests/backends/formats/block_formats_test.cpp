#include "backends/engine/formats/block_formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

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

TEST(BlockFormats, DequantiseBitForBitAsTheSafetensorsPackage) {
  const std::string bytes = read_whole(golden_folder() / "formats" / "tiny.safetensors");
  const auto tensors = parse_safetensors(as_bytes(bytes), "tiny.safetensors");
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
  EXPECT_FALSE(tensor_type_from_gguf(12).has_value());
}

}  // namespace
}  // namespace sizeup
