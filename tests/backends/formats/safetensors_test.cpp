#include "backends/engine/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::string file_of(std::string_view header, size_t data_bytes) {
  return GgufBuilder().value<uint64_t>(header.size()).raw(header).zeros(data_bytes).bytes();
}

Result<std::vector<Tensor>> weights_of(std::string_view bytes, const std::string& place) {
  auto stored = parse_safetensors(as_bytes(bytes), place);
  if (!stored) return forward_error(stored);
  return plain_tensors(std::move(*stored), place);
}

std::string error_of(std::string_view header, size_t data_bytes) {
  const std::string bytes = file_of(header, data_bytes);
  const auto result = weights_of(bytes, "m.safetensors");
  return result ? "no error" : describe(result.error());
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  const std::string bytes =
      file_of(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},)"
              R"("z":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}  )",
              12);
  const auto tensors = weights_of(bytes, "m");
  ASSERT_TRUE(tensors.has_value()) << describe(tensors.error());
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[0].name, "z");
  EXPECT_EQ((*tensors)[1].shape, (std::vector<int64_t>{1, 2}));
}

TEST(Safetensors, LeavesMasksOut) {
  const std::string bytes =
      file_of(R"({"h.0.attn.bias":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2);
  const auto tensors = weights_of(bytes, "m");
  ASSERT_TRUE(tensors.has_value()) << describe(tensors.error());
  EXPECT_TRUE(tensors->empty());
  EXPECT_THAT(error_of(R"({"weight":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2),
              HasSubstr("tensor 'weight': dtype U8 is not supported yet"));
}

TEST(Safetensors, RefusesAFileCutAnywhere) {
  const std::string whole = read_whole(golden_folder() / "formats" / "tiny.safetensors");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string bytes = whole.substr(0, size);
    ASSERT_FALSE(parse_safetensors(as_bytes(bytes), "cut").has_value()) << size;
  }
  const std::string longer = whole + "x";
  EXPECT_FALSE(parse_safetensors(as_bytes(longer), "long").has_value());
}

TEST(Safetensors, SurvivesEveryByteChanged) {
  std::string bytes = read_whole(golden_folder() / "formats" / "tiny.safetensors");
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int change = 1; change < 256; change += 6) {
      bytes[i] = static_cast<char>(bytes[i] ^ change);
      const auto tensors = weights_of(bytes, "x");
      for (const Tensor& tensor : tensors.value_or(std::vector<Tensor>())) {
        std::vector<float> row(static_cast<size_t>(tensor.columns()));
        if (tensor.columns() > 0 && tensor.rows() > 0) dequantise_row(tensor, tensor.rows() - 1, row);
      }
      bytes[i] = static_cast<char>(bytes[i] ^ change);
    }
  }
}

TEST(Safetensors, RefusesImpossibleHeaders) {
  const std::string long_header = GgufBuilder().value<uint64_t>(uint64_t{1} << 40).zeros(64).bytes();
  const auto result = parse_safetensors(as_bytes(long_header), "m.safetensors");
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(describe(result.error()),
              HasSubstr("m.safetensors (byte 0): the header's length is 1099511627776"));
  EXPECT_THAT(error_of("[]", 0), HasSubstr("is not an object"));
  EXPECT_THAT(error_of("{\"a\":", 0), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of("{\"a\":1e999}", 0), HasSubstr("a number that no double can hold"));
  EXPECT_THAT(error_of(std::string(100000, '['), 0), HasSubstr("JSON"));
  EXPECT_THAT(error_of("{\"a\":" + std::string(80, '[') + std::string(80, ']') + "}", 0),
              HasSubstr("nested too deeply"));
}

TEST(Safetensors, RefusesImpossibleTensors) {
  const auto entry = [](std::string_view shape, std::string_view offsets, size_t bytes) {
    return error_of("{\"t\":{\"dtype\":\"F32\",\"shape\":" + std::string(shape) +
                        ",\"data_offsets\":" + std::string(offsets) + "}}",
                    bytes);
  };
  EXPECT_EQ(entry("[2]", "[0,8]", 8), "no error");
  EXPECT_EQ(entry("[]", "[0,4]", 4), "no error");
  EXPECT_EQ(entry("[0,3]", "[0,0]", 0), "no error");
  EXPECT_THAT(entry("[2]", "[0,8]", 4), HasSubstr("ends past the end of the file"));
  EXPECT_THAT(entry("[2]", "[0,8]", 12), HasSubstr("4 bytes belong to no tensor"));
  EXPECT_THAT(entry("[2]", "[4,12]", 12), HasSubstr("without holes or overlaps"));
  EXPECT_THAT(entry("[3]", "[0,8]", 8), HasSubstr("do not hold 3 elements"));
  EXPECT_THAT(entry("[2]", "[8,0]", 8), HasSubstr("do not hold"));
  EXPECT_THAT(entry("[4611686018427387904,4]", "[0,8]", 8), HasSubstr("impossible shape"));
  EXPECT_THAT(entry("[4611686018427387905]", "[0,8]", 8), HasSubstr("impossible shape"));
  EXPECT_THAT(entry("[-1]", "[0,8]", 8), HasSubstr("impossible shape"));
  EXPECT_THAT(entry("[2.0]", "[0,8]", 8), HasSubstr("impossible shape"));
  EXPECT_THAT(entry("\"2\"", "[0,8]", 8), HasSubstr("shape is not a list"));
  EXPECT_THAT(entry("[2]", "[0]", 8), HasSubstr("data_offsets are not two offsets"));
  EXPECT_THAT(entry("[2]", "[0,1e3]", 8), HasSubstr("data_offsets are not two offsets"));
  EXPECT_THAT(error_of(R"({"t":{"dtype":"I4","shape":[2],"data_offsets":[0,8]}})", 8), HasSubstr("dtype I4"));
  EXPECT_THAT(error_of(R"({"t":{"dtype":5,"shape":[2],"data_offsets":[0,8]}})", 8),
              HasSubstr("dtype is not a string"));
  EXPECT_THAT(error_of(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", 8), HasSubstr("incomplete"));
  EXPECT_THAT(error_of(R"({"t":[]})", 8), HasSubstr("incomplete"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                       12),
              HasSubstr("tensor 'b' starts at offset 4"));
}

}  // namespace
}  // namespace sizeup
