// Quantised safetensors checkpoints against the weights that NumPy computes from their published layouts:
// tests/oracles/tiny_quantised_golden.py; MXFP4 against what transformers makes of it:
// tiny_gpt_oss_golden.py.
#include "backends/engine/formats/quantised/quantised.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "backends/engine/formats/checkpoint.h"
#include "core/io/sha256.h"
#include "core/json/json.h"
#include "tests/backends/formats/gguf_builder.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

std::string hash_of_values(const Tensor& tensor) {
  std::vector<float> row(static_cast<size_t>(tensor.columns()));
  Sha256 hash;
  for (int64_t r = 0; r < tensor.rows(); ++r) {
    dequantise_row(tensor, r, row);
    hash.update({reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float)});
  }
  return to_hex(hash.digest());
}

// Every weight of the folder's checkpoints that has a hash; returns how many there are.
int expect_hashed_weights(const std::filesystem::path& folder) {
  const Json golden = parse_json(read_whole(folder / "expected.json"), "expected.json").value();
  int compared = 0;
  for (const Json& entry : golden) {
    if (!entry.contains("weights") || entry["weights"].empty()) continue;
    const auto path = entry["files"][0]["path"].get<std::string>();
    SCOPED_TRACE(path);
    const auto checkpoint = open_checkpoint(folder / path);
    if (!checkpoint) {
      ADD_FAILURE() << describe(checkpoint.error());
      continue;
    }
    for (const auto& [name, hash] : entry["weights"].items()) {
      const Tensor* tensor = (*checkpoint)->find(name);
      EXPECT_EQ(tensor == nullptr ? "missing" : hash_of_values(*tensor), hash.get<std::string>()) << name;
      ++compared;
    }
    EXPECT_FALSE((*checkpoint)->config().contains("quantization_config"));
  }
  return compared;
}

TEST(Quantised, WeightsAreBitForBitThoseOfTheLayout) {
  EXPECT_EQ(expect_hashed_weights(golden_folder() / "tiny_quantised"), 126);
  EXPECT_EQ(expect_hashed_weights(golden_folder() / "tiny_gpt_oss"), 4);
}

TEST(Quantised, PartsOfAComputedWeightAreItsRows) {
  const auto checkpoint = open_checkpoint(golden_folder() / "tiny_quantised" / "fp8_block");
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  const Tensor& whole = *(*checkpoint)->find("model.layers.0.mlp.up_proj.weight");
  const Tensor part = rows_of(rows_of(whole, 20, 30), 7, 5);
  EXPECT_EQ(part.shape, (std::vector<int64_t>{5, 64}));
  std::vector<float> expected(64), row(64);
  for (int64_t r = 0; r < 5; ++r) {
    dequantise_row(whole, 27 + r, expected);
    dequantise_row(part, r, row);
    EXPECT_EQ(row, expected) << r;
  }
  EXPECT_EQ(stored_format(part), "FP8");
}

// A checkpoint made of tensors whose bytes are zero.
struct MadeUp {
  struct Part {
    std::string name;
    std::string_view dtype;
    int bytes;  // of an element
    std::vector<int64_t> shape;
  };
  std::string settings;
  std::vector<Part> parts;
};

std::string problem(const MadeUp& made) {
  static const std::vector<std::byte> zeros(1 << 16);
  std::vector<StoredTensor> stored;
  for (const MadeUp::Part& part : made.parts) {
    int64_t bytes = part.bytes;
    for (const int64_t size : part.shape) bytes *= size;
    stored.push_back({.name = part.name,
                      .dtype = part.dtype,
                      .shape = part.shape,
                      .data = std::span(zeros).first(static_cast<size_t>(bytes))});
  }
  const auto tensors = read_quantised(parse_json(made.settings, "settings").value(), stored, "some/model");
  return tensors ? "no problem" : describe(tensors.error());
}

TEST(Quantised, NamesWhatIsUnknown) {
  EXPECT_THAT(problem({"[1]", {}}), HasSubstr("names no quant_method"));
  EXPECT_THAT(problem({R"({"quant_method": 4})", {}}), HasSubstr("names no quant_method"));
  EXPECT_THAT(problem({R"({"quant_method": "hqq"})", {}}),
              HasSubstr("quantisation 'hqq' is not supported yet (expected: one of: fp8"));
}

TEST(Quantised, RefusesFp8ThatDoesNotFit) {
  const auto fp8 = [](std::vector<int64_t> weight, std::vector<int64_t> scale, const std::string& block) {
    return problem({"{\"quant_method\": \"fp8\", \"weight_block_size\": " + block + "}",
                    {{"a.weight", "F8_E4M3", 1, std::move(weight)},
                     {"a.weight_scale_inv", "F32", 4, std::move(scale)}}});
  };
  EXPECT_EQ(fp8({40, 24}, {2, 1}, "[32, 32]"), "no problem");
  EXPECT_EQ(fp8({40, 24}, {}, "[32, 32]"), "no problem");
  EXPECT_EQ(fp8({3, 40, 24}, {3, 2, 1}, "[32, 32]"), "no problem");
  EXPECT_EQ(fp8({40, 24}, {5, 3}, "null"), "no problem");
  EXPECT_THAT(fp8({40, 24}, {3, 1}, "[32, 32]"), HasSubstr("'a.weight_scale_inv' has shape {3, 1}"));
  EXPECT_THAT(fp8({3, 40, 24}, {2, 2, 1}, "[32, 32]"), HasSubstr("has shape {2, 2, 1}"));
  EXPECT_THAT(fp8({40, 24}, {2, 2, 2, 1}, "[32, 32]"), HasSubstr("has shape {2, 2, 2, 1}"));
  EXPECT_THAT(fp8({40, 24}, {24}, "null"), HasSubstr("has shape {24}"));
  EXPECT_THAT(fp8({40, 24}, {0, 1}, "null"), HasSubstr("'a.weight_scale_inv' is"));
  EXPECT_THAT(fp8({40}, {}, "null"), HasSubstr("of the weight's shape {40}"));
  EXPECT_THAT(fp8({40, 24}, {2, 1}, "[32]"), HasSubstr("'weight_block_size' = [32]"));
  EXPECT_THAT(fp8({40, 24}, {2, 1}, "[32, 0]"), HasSubstr("'weight_block_size' = [32,0]"));
  const MadeUp::Part weight{"a.weight", "F8_E4M3", 1, {40, 24}};
  EXPECT_THAT(problem({R"({"quant_method": "fp8"})", {weight}}), HasSubstr("is FP8 without a scale"));
  EXPECT_THAT(problem({R"({"quant_method": "fp8", "fmt": "e5m2"})", {weight}}),
              HasSubstr("'fmt' = \"e5m2\""));
  const MadeUp::Part rows{"a.weight_scale", "BF16", 2, {40, 1}};
  EXPECT_EQ(
      problem({R"({"quant_method": "compressed-tensors", "format": "float-quantized"})", {weight, rows}}),
      "no problem");
  EXPECT_THAT(
      problem({R"({"quant_method": "compressed-tensors", "format": "pack-quantized"})", {weight, rows}}),
      HasSubstr("'format' = \"pack-quantized\""));
  EXPECT_THAT(problem({R"({"quant_method": "fp8"})", {weight, {"a.weight_scale", "I32", 4, {}}}}),
              HasSubstr("'a.weight_scale' is I32"));
  EXPECT_THAT(problem({R"({"quant_method": "fp8"})", {{"b.weight", "F8_E5M2", 1, {4, 4}}}}),
              HasSubstr("tensor 'b.weight': dtype F8_E5M2 is not supported yet"));
}

// A GPTQ or AWQ module of 64 inputs and 16 outputs; `change` is a part in another form.
std::string grouped_problem(const std::string& settings, std::vector<MadeUp::Part> parts,
                            const MadeUp::Part& change) {
  for (MadeUp::Part& part : parts) {
    if (part.name == change.name) part = change;
  }
  return problem({settings, std::move(parts)});
}

TEST(Quantised, RefusesGptqThatDoesNotFit) {
  const auto gptq = [](const MadeUp::Part& change, const std::string& more = "") {
    return grouped_problem("{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32" + more + "}",
                           {{"a.qweight", "I32", 4, {8, 16}},
                            {"a.qzeros", "I32", 4, {2, 2}},
                            {"a.scales", "F16", 2, {2, 16}},
                            {"a.g_idx", "I32", 4, {64}}},
                           change);
  };
  EXPECT_EQ(gptq({}), "no problem");
  EXPECT_EQ(gptq({}, R"(, "checkpoint_format": null, "dynamic": null)"), "no problem");
  EXPECT_THAT(gptq({"a.qweight", "I32", 4, {8, 12}}), HasSubstr("'a.qweight' is I32 of {8, 12}"));
  EXPECT_THAT(gptq({"a.qweight", "I8", 1, {8, 16}}), HasSubstr("'a.qweight' is I8 of {8, 16}"));
  EXPECT_THAT(gptq({"a.qweight", "I32", 4, {0, 16}}), HasSubstr("'a.qweight' is I32 of {0, 16}"));
  EXPECT_THAT(gptq({"a.qzeros", "I32", 4, {2, 16}}), HasSubstr("'a.qzeros' is I32 of {2, 16}"));
  EXPECT_THAT(gptq({"a.scales", "F16", 2, {2, 15}}), HasSubstr("(expected: {groups, 16})"));
  EXPECT_THAT(gptq({"a.scales", "I16", 2, {2, 16}}), HasSubstr("'a.scales' is I16"));
  EXPECT_THAT(gptq({"a.scales", "F16", 2, {3, 16}}), HasSubstr("'a.qzeros' is I32 of {2, 2}"));
  EXPECT_THAT(gptq({"a.g_idx", "I32", 4, {63}}), HasSubstr("'a.g_idx' is I32 of {63}"));
  EXPECT_THAT(gptq({}, R"(, "checkpoint_format": "marlin")"), HasSubstr("'checkpoint_format' = \"marlin\""));
  EXPECT_THAT(gptq({}, R"(, "pack_dtype": "int16")"), HasSubstr("'pack_dtype' = \"int16\""));
  EXPECT_THAT(gptq({}, R"(, "dynamic": {"+:.*q_proj": {"bits": 8}})"), HasSubstr("'dynamic' = "));
  EXPECT_THAT(problem({R"({"quant_method": "gptq", "bits": 3})", {}}), HasSubstr("'bits' = 3"));
  EXPECT_THAT(problem({R"({"quant_method": "gptq", "bits": 4, "group_size": 0})", {}}),
              HasSubstr("'group_size' = 0"));
  const MadeUp::Part codes{"a.qweight", "I32", 4, {8, 16}};
  EXPECT_THAT(problem({R"({"quant_method": "gptq", "bits": 4})", {codes}}),
              HasSubstr("tensor 'a.scales' is missing (expected: beside 'a.qweight')"));
}

TEST(Quantised, RefusesAGroupThatIsNotThere) {
  std::vector<std::byte> bytes(4096);
  bytes[4 * 5] = std::byte{2};  // input 5
  const auto part = [&](std::string name, std::string_view dtype, std::vector<int64_t> shape, size_t size) {
    return StoredTensor{.name = std::move(name),
                        .dtype = dtype,
                        .shape = std::move(shape),
                        .data = std::span(bytes).first(size)};
  };
  const Json settings = {{"quant_method", "gptq"}, {"bits", 4}};
  const auto tensors =
      read_quantised(settings,
                     {part("a.qweight", "I32", {8, 16}, 512), part("a.qzeros", "I32", {2, 2}, 16),
                      part("a.scales", "F16", {2, 16}, 64), part("a.g_idx", "I32", {64}, 256)},
                     "some/model");
  ASSERT_FALSE(tensors.has_value());
  EXPECT_THAT(describe(tensors.error()), HasSubstr("'a.g_idx' names group 2 for input 5 (expected: 0 to 1"));
}

TEST(Quantised, RefusesAwqThatDoesNotFit) {
  const auto awq = [](const MadeUp::Part& change, const std::string& more = "") {
    return grouped_problem(
        "{\"quant_method\": \"awq\", \"group_size\": 32" + more + "}",
        {{"a.qweight", "I32", 4, {64, 2}}, {"a.qzeros", "I32", 4, {2, 2}}, {"a.scales", "F16", 2, {2, 16}}},
        change);
  };
  EXPECT_EQ(awq({}), "no problem");
  EXPECT_THAT(awq({"a.scales", "F16", 2, {3, 16}}), HasSubstr("'a.qzeros' is"));
  EXPECT_THAT(awq({"a.qweight", "I32", 4, {96, 2}}),
              HasSubstr("has 2 groups (expected: 96 inputs in groups of 32)"));
  EXPECT_THAT(awq({}, R"(, "version": "gemv")"), HasSubstr("'version' = \"gemv\""));
  EXPECT_THAT(awq({}, R"(, "zero_point": false)"), HasSubstr("'zero_point' = false"));
  EXPECT_THAT(awq({}, R"(, "bits": 8)"), HasSubstr("'bits' = 8"));
}

// A 4-bit weight of {2, 64} whose quant_state is this text.
std::string problem_of_4bit(const std::string& state, size_t absmax, const std::string& kind = "nf4") {
  static const std::vector<std::byte> zeros(4096);
  const auto part = [&](const char* name, std::string_view dtype, int64_t count, size_t bytes) {
    return StoredTensor{
        .name = name, .dtype = dtype, .shape = {count}, .data = std::span(zeros).first(bytes)};
  };
  std::vector<StoredTensor> stored = {part("w", "U8", 64, 64), part("w.quant_map", "F32", 16, 64),
                                      part("w.absmax", "F32", 2, absmax)};
  stored.push_back({.name = "w.quant_state.bitsandbytes__" + kind,
                    .dtype = "U8",
                    .shape = {static_cast<int64_t>(state.size())},
                    .data = as_bytes(state)});
  const auto tensors = read_quantised({{"quant_method", "bitsandbytes"}}, std::move(stored), "some/model");
  return tensors ? "no problem" : describe(tensors.error());
}

TEST(Quantised, RefusesBitsandbytesThatDoesNotFit) {
  EXPECT_EQ(problem_of_4bit(R"({"shape": [2, 64], "blocksize": 64})", 8), "no problem");
  EXPECT_THAT(problem_of_4bit(R"({"shape": [2, 64], "blocksize": 32})", 8),
              HasSubstr("'w.absmax' is F32 of 8 bytes (expected: F32 of 16 bytes"));
  EXPECT_THAT(problem_of_4bit(R"({"shape": [3, 64], "blocksize": 64})", 8),
              HasSubstr("'w' is U8 of 64 bytes (expected: U8 of 96 bytes"));
  const std::string nested =
      R"({"shape": [2, 64], "blocksize": 64, "nested_blocksize": 256, "nested_offset": 1})";
  EXPECT_THAT(problem_of_4bit(nested, 8), HasSubstr("'w.absmax' is F32 of 8 bytes (expected: U8 of 2 bytes"));
  for (const char* damaged :
       {"", "[1]", R"({"shape": [2, 64]})", R"({"shape": [2], "blocksize": 64})",
        R"({"shape": [2, 0], "blocksize": 64})", R"({"shape": [2, -1], "blocksize": 64})",
        R"({"shape": [9999999999999, 9999999999999], "blocksize": 64})",
        R"({"shape": [2, 64], "blocksize": 0})",
        R"({"shape": [2, 64], "blocksize": 64, "nested_blocksize": 256})"}) {
    EXPECT_THAT(problem_of_4bit(damaged, 8), HasSubstr("is damaged")) << damaged;
  }
  EXPECT_THAT(problem_of_4bit("{}", 8, "xf4"), HasSubstr("of an unknown kind (expected: nf4 or fp4"));
  const auto int8 = [](const MadeUp::Part& change) {
    return grouped_problem(
        R"({"quant_method": "bitsandbytes"})",
        {{"a.weight", "I8", 1, {4, 6}}, {"a.SCB", "F32", 4, {4}}, {"a.weight_format", "U8", 1, {}}}, change);
  };
  EXPECT_EQ(int8({}), "no problem");
  EXPECT_THAT(int8({"a.SCB", "F32", 4, {6}}), HasSubstr("'a.SCB' is F32 of 24 bytes"));
  EXPECT_THAT(int8({"a.weight", "I8", 1, {24}}), HasSubstr("'a.weight' is no int8 matrix"));
  EXPECT_THAT(int8({"a.weight_format", "U8", 1, {2}}), HasSubstr("names another order than rows"));
}

TEST(Quantised, RefusesMxfp4ThatDoesNotFit) {
  const auto mxfp4 = [](const MadeUp::Part& change) {
    return grouped_problem(R"({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]})",
                           {{"a_blocks", "U8", 1, {3, 4, 2, 16}}, {"a_scales", "U8", 1, {3, 4, 2}}}, change);
  };
  EXPECT_EQ(mxfp4({}), "no problem");
  EXPECT_THAT(mxfp4({"a_blocks", "U8", 1, {3, 4, 2, 8}}), HasSubstr("'a_blocks' is U8 of {3, 4, 2, 8}"));
  EXPECT_THAT(mxfp4({"a_blocks", "I8", 1, {3, 4, 2, 16}}), HasSubstr("'a_blocks' is I8 of {3, 4, 2, 16}"));
  EXPECT_THAT(mxfp4({"a_blocks", "U8", 1, {4, 16}}), HasSubstr("'a_blocks' is U8 of {4, 16}"));
  EXPECT_THAT(mxfp4({"a_blocks", "U8", 1, {3, 0, 2, 16}}), HasSubstr("'a_blocks' is U8 of {3, 0, 2, 16}"));
  EXPECT_THAT(mxfp4({"a_scales", "U8", 1, {3, 4, 3}}),
              HasSubstr("'a_scales' is U8 of {3, 4, 3} (expected: U8 of {3, 4, 2})"));
  EXPECT_THAT(mxfp4({"a_scales", "F32", 4, {3, 4, 2}}), HasSubstr("'a_scales' is F32"));
  EXPECT_THAT(problem({R"({"quant_method": "mxfp4"})", {{"a_blocks", "U8", 1, {3, 4, 2, 16}}}}),
              HasSubstr("tensor 'a_scales' is missing (expected: beside 'a_blocks')"));
}

// As every device reads them: as values, and as the blocks that it keeps.
TEST(Quantised, Mxfp4BlocksAreTheValues) {
  const auto checkpoint = open_checkpoint(golden_folder() / "tiny_gpt_oss" / "mxfp4");
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  const Tensor* tensor = (*checkpoint)->find("model.layers.1.mlp.experts.gate_up_proj_blocks");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->type, TensorType::mxfp4);
  EXPECT_EQ(tensor->shape, (std::vector<int64_t>{4, 192, 64}));
  EXPECT_EQ(stored_format(*tensor), "MXFP4");
  EXPECT_EQ(stored_bytes(*tensor), 4 * 192 * 2 * 17);
  std::vector<std::byte> blocks(2 * 17);
  std::vector<float> values(64), of_blocks(64);
  for (int64_t row = 0; row < tensor->rows(); ++row) {
    dequantise_row(*tensor, row, values);
    copy_row(*tensor, row, blocks);
    block_format(TensorType::mxfp4).dequantise(blocks.data(), 64, of_blocks.data());
    ASSERT_EQ(of_blocks, values) << row;
  }
}

TEST(Quantised, RefusesAWeightThatIsThereTwice) {
  EXPECT_THAT(problem({R"({"quant_method": "awq"})",
                       {{"a.qweight", "I32", 4, {128, 1}},
                        {"a.qzeros", "I32", 4, {1, 1}},
                        {"a.scales", "F16", 2, {1, 8}},
                        {"a.weight", "F32", 4, {8, 128}}}}),
              HasSubstr("tensor 'a.weight' is there as it is and quantised"));
}

}  // namespace
}  // namespace sizeup
