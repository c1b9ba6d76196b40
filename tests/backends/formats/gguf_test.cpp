#include "backends/engine/formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

constexpr uint32_t kU8 = 0, kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8, kArray = 9;
constexpr uint32_t kTypeF32 = 0, kTypeQ8 = 8, kTypeQ4K = 12, kTypeIq1S = 19;

Result<GgufContent> parse(const GgufBuilder& builder) {
  return parse_gguf(as_bytes(builder.bytes()), "m.gguf");
}

// The whole message: place, what is wrong, what was expected.
std::string error_of(const GgufBuilder& builder) {
  const auto result = parse(builder);
  return result ? "no error" : describe(result.error());
}

std::string golden_file() {
  return read_whole(golden_folder() / "formats" / "tiny.gguf");
}

TEST(Gguf, ReadsEveryTypeOfMetadataAsThePackageDoes) {
  const std::string bytes = golden_file();
  const auto content = parse_gguf(as_bytes(bytes), "tiny.gguf");
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  const auto expected =
      parse_json(read_whole(golden_folder() / "formats" / "metadata.json"), "metadata.json");
  EXPECT_EQ(to_line(content->metadata), to_line(*expected));
}

TEST(Gguf, OpensAFileWithoutTensors) {
  GgufBuilder builder;
  builder.header(0, 1).key("a", kU32).value<uint32_t>(7);
  const auto content = parse(builder);
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  EXPECT_EQ(content->metadata["a"], 7);
  EXPECT_TRUE(content->tensors.empty());
}

TEST(Gguf, PlacesTensorsAtTheFilesAlignment) {
  GgufBuilder builder;
  builder.header(2, 1, 2).key("general.alignment", kU32).value<uint32_t>(64);
  builder.tensor("a", {3, 2}, kTypeF32, 64).tensor("b", {1}, kTypeF32, 0).align(64);
  builder.value(5.0f).align(64);
  for (int i = 0; i < 6; ++i) builder.value(static_cast<float>(i));
  const auto content = parse(builder);
  ASSERT_TRUE(content.has_value()) << describe(content.error());
  const Tensor& a = content->tensors[0];
  EXPECT_EQ(a.shape, (std::vector<int64_t>{2, 3}));
  float row[3];
  dequantise_row(a, 1, row);
  EXPECT_THAT(row, testing::ElementsAre(3, 4, 5));
  float one[1];
  dequantise_row(content->tensors[1], 0, one);
  EXPECT_EQ(one[0], 5.0f);
}

// A download that stopped anywhere: an error, never a crash; never a model with fewer weights.
TEST(Gguf, RefusesAFileCutAnywhere) {
  const std::string whole = golden_file();
  for (size_t size = 0; size < whole.size() - 31; size += 7) {  // the last bytes may be padding
    const std::string bytes = whole.substr(0, size);
    const auto content = parse_gguf(as_bytes(bytes), "cut.gguf");
    ASSERT_FALSE(content.has_value()) << size;
    EXPECT_THAT(content.error().place, HasSubstr("cut.gguf"));
  }
}

TEST(Gguf, RefusesRealFilesCutAtEverySixtyFourth) {
  const auto path = shared_folder() / "models" / "stories260K-Q8_0.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const std::string whole = read_whole(path);
  for (size_t part = 0; part < 64; ++part) {
    const std::string bytes = whole.substr(0, whole.size() * part / 64);
    ASSERT_FALSE(parse_gguf(as_bytes(bytes), "cut.gguf").has_value()) << part;
  }
  EXPECT_TRUE(parse_gguf(as_bytes(whole), "whole.gguf").has_value());
}

// Any single byte changed: whatever comes out, reading it all must not leave the file.
TEST(Gguf, SurvivesEveryByteChanged) {
  std::string bytes = golden_file();
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      bytes[i] = static_cast<char>(bytes[i] ^ change);
      const auto content = parse_gguf(as_bytes(bytes), "x.gguf");
      for (const Tensor& tensor : content ? content->tensors : std::vector<Tensor>()) {
        std::vector<float> row(static_cast<size_t>(tensor.columns()));
        for (int64_t r = 0; r < tensor.rows(); ++r) dequantise_row(tensor, r, row);
      }
      bytes[i] = static_cast<char>(bytes[i] ^ change);
    }
  }
}

TEST(Gguf, NamesWhatIsNoGgufFile) {
  EXPECT_THAT(error_of(GgufBuilder().raw("PK\x03\x04zzzzzzzzzzzzzzzz")),
              HasSubstr("m.gguf (byte 0): is not a GGUF"));
  EXPECT_THAT(error_of(GgufBuilder()), HasSubstr("is not a GGUF file"));
  EXPECT_THAT(error_of(GgufBuilder().header(0, 0, 1)), HasSubstr("GGUF version 1"));
  EXPECT_THAT(error_of(GgufBuilder().header(0, 0, 4)), HasSubstr("GGUF version 4"));
  EXPECT_THAT(error_of(GgufBuilder().header(0, 0, 0x03000000)), HasSubstr("big-endian"));
}

TEST(Gguf, RefusesCountsThatCannotFit) {
  EXPECT_THAT(error_of(GgufBuilder().header(0, uint64_t{1} << 60)), HasSubstr("metadata keys cannot fit"));
  EXPECT_THAT(error_of(GgufBuilder().header(uint64_t{1} << 60, 0)), HasSubstr("tensors cannot fit"));
  GgufBuilder array;
  array.header(0, 1).key("a", kArray).value(kU8).value<uint64_t>(1000).zeros(10);
  EXPECT_THAT(error_of(array), HasSubstr("'a' has 1000 elements"));
  GgufBuilder overflow;
  overflow.header(0, 1).key("a", kArray).value(kF32).value<uint64_t>(uint64_t{1} << 62).zeros(64);
  EXPECT_THAT(error_of(overflow), HasSubstr("elements"));
  GgufBuilder text;
  text.header(0, 1).key("a", kString).value<uint64_t>(~uint64_t{0}).zeros(64);
  EXPECT_THAT(error_of(text), HasSubstr("the file ends inside the value of 'a'"));
  GgufBuilder name;
  name.header(0, 1).value<uint64_t>(600).zeros(700);
  EXPECT_THAT(error_of(name), HasSubstr("a metadata key has 600 bytes"));
}

TEST(Gguf, RefusesMistypedMetadata) {
  GgufBuilder unknown;
  unknown.header(0, 1).key("a", 13).zeros(16);
  EXPECT_THAT(error_of(unknown), HasSubstr("unknown value type 13"));
  GgufBuilder boolean;
  boolean.header(0, 1).key("a", kBool).value<uint8_t>(2).zeros(16);
  EXPECT_THAT(error_of(boolean), HasSubstr("'a' is a boolean with the value 2"));
  GgufBuilder alignment;
  alignment.header(0, 1).key("general.alignment", kU32).value<uint32_t>(48);
  EXPECT_THAT(error_of(alignment), HasSubstr("general.alignment is 48"));
  GgufBuilder zero;
  zero.header(0, 1).key("general.alignment", kU32).value<uint32_t>(0);
  EXPECT_THAT(error_of(zero), HasSubstr("general.alignment is 0"));
  GgufBuilder text;
  text.header(0, 1).key("general.alignment", kString).text("32");
  EXPECT_THAT(error_of(text), HasSubstr("general.alignment"));
  GgufBuilder twice;
  twice.header(0, 2).key("a", kI32).value<int32_t>(1).key("a", kI32).value<int32_t>(2);
  EXPECT_THAT(error_of(twice), HasSubstr("'a' appears twice"));
}

TEST(Gguf, RefusesDeeplyNestedArrays) {
  GgufBuilder builder;
  builder.header(0, 1).key("a", kArray);
  for (int i = 0; i < 100; ++i) builder.value(kArray).value<uint64_t>(1);
  EXPECT_THAT(error_of(builder.zeros(64)), HasSubstr("nested too deeply"));
}

TEST(Gguf, RefusesImpossibleTensors) {
  const auto shape = [&](std::initializer_list<uint64_t> dimensions, uint32_t type, uint64_t offset) {
    return error_of(GgufBuilder().header(1, 0).tensor("t", dimensions, type, offset).align().zeros(64));
  };
  EXPECT_EQ(shape({16}, kTypeF32, 0), "no error");
  EXPECT_THAT(shape({17}, kTypeF32, 0), HasSubstr("'t' ends past the end of the file"));
  EXPECT_THAT(shape({16}, kTypeF32, 32), HasSubstr("'t' ends past the end of the file"));
  EXPECT_THAT(shape({16}, kTypeF32, 4), HasSubstr("starts at offset 4 (expected: a multiple of 32)"));
  EXPECT_THAT(shape({1}, kTypeF32, ~uint64_t{31}), HasSubstr("ends past the end of the file"));
  EXPECT_THAT(shape({0, 4}, kTypeF32, 0), HasSubstr("impossible shape"));
  EXPECT_THAT(shape({uint64_t{1} << 32, uint64_t{1} << 32}, kTypeF32, 0), HasSubstr("impossible shape"));
  EXPECT_THAT(shape({uint64_t{1} << 61}, kTypeF32, 0), HasSubstr("weights"));
  EXPECT_THAT(shape({1, 1, 1, 1, 1}, kTypeF32, 0), HasSubstr("has 5 dimensions"));
  EXPECT_THAT(shape({31}, kTypeQ8, 0), HasSubstr("rows of 31 weights in type Q8_0"));
  EXPECT_THAT(shape({128}, kTypeQ4K, 0),
              HasSubstr("rows of 128 weights in type Q4_K (expected: a multiple of 256"));
  EXPECT_THAT(shape({256}, kTypeIq1S, 0),
              HasSubstr("type IQ1_S, which is not supported yet (expected: one of F32 F16 BF16 Q4_0"));
  EXPECT_THAT(shape({16}, 999, 0), HasSubstr("type number 999"));
}

TEST(Gguf, RefusesRepeatedAndOverlappingTensors) {
  GgufBuilder repeated;
  repeated.header(2, 0).tensor("t", {4}, kTypeF32, 0).tensor("t", {4}, kTypeF32, 32).align().zeros(64);
  EXPECT_THAT(error_of(repeated), HasSubstr("tensor 't' appears twice"));
  GgufBuilder overlapping;
  overlapping.header(2, 0).tensor("a", {4}, kTypeF32, 32).tensor("b", {9}, kTypeF32, 0).align().zeros(64);
  EXPECT_THAT(error_of(overlapping), HasSubstr("tensors 'b' and 'a' overlap"));
}

}  // namespace
}  // namespace sizeup
