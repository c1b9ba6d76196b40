// Tiny random models against transformers in float32: tests/oracles/tiny_llama_golden.py,
// tiny_mixture_golden.py, tiny_quantised_golden.py, tiny_families_golden.py, tiny_dense_golden.py,
// tiny_gpt_oss_golden.py, tiny_recurrent_golden.py, tiny_gemma_golden.py, tiny_qwen4_golden.py;
// DeepSeek-MoE against NumPy in float64: tiny_deepseek_golden.py.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "backends/cpu/cpu_device.h"
#include "backends/cpu/tier.h"
#include "backends/cuda/plugin.h"
#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/reference/reference_device.h"
#include "core/io/file.h"
#include "core/json/json.h"
#include "tests/backends/engine/golden_folder.h"
#include "tests/operations/emulated_amx.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

const std::filesystem::path kGolden = golden_folder();
const std::filesystem::path kLlama = kGolden / "tiny_llama";
const std::filesystem::path kMixture = kGolden / "tiny_mixture";
const std::filesystem::path kQuantised = kGolden / "tiny_quantised";
const std::filesystem::path kFamilies = kGolden / "tiny_families";
const std::filesystem::path kGptOss = kGolden / "tiny_gpt_oss";
const std::filesystem::path kDeepseek = kGolden / "tiny_deepseek";
const std::filesystem::path kDense = kGolden / "tiny_dense";
const std::filesystem::path kGemma = kGolden / "tiny_gemma";

const std::filesystem::path kRecurrent = kGolden / "tiny_recurrent";
const std::filesystem::path kQwen4 = kGolden / "tiny_qwen4";

// Every device and tier of this machine in float32, and the amx tier with emulated tiles.
std::vector<Computer> computers() {
  DeviceOptions exact;
  exact.precision = Precision::float32;
  std::vector<Computer> all;
  all.push_back({"reference", [](const DecoderModel& model) { return make_reference_device(model, {}); }});
  for (const CpuTierEntry& entry : cpu_tiers()) {
    if (why_unsupported(entry.tier)) continue;
    DeviceOptions options = exact;
    options.tier = entry.name;
    all.push_back({std::string(entry.name),
                   [options](const DecoderModel& model) { return make_cpu_device(model, options); }});
  }
  if (!why_no_cuda_device()) {
    all.push_back({"cuda", [exact](const DecoderModel& model) { return make_cuda_device(model, exact); }});
  }
  if (!why_unsupported(CpuTier::avx2)) {
    all.push_back({"emulated amx", [exact](const DecoderModel& model) {
                     return cpu::make_device(model, exact, cpu::emulated_amx());
                   }});
  }
  return all;
}

// Every file of the folder, or of a family in it, on every computer; returns how many there are.
int expect_folder_agrees(const std::filesystem::path& folder, std::string_view family = "") {
  return expect_folder_agrees(computers(), folder, family);
}

TEST(TinyLlama, LogProbabilitiesAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kLlama), 6);
}

TEST(TinyMixture, LogProbabilitiesAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kMixture), 7);
}

TEST(TinyQuantised, LogProbabilitiesAgreeWithTransformersOnTheDequantisedWeights) {
  EXPECT_EQ(expect_folder_agrees(kQuantised), 13);
}

TEST(TinyFamilies, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kFamilies), 24);
}

TEST(TinyGptOss, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kGptOss), 5);
}

TEST(TinyDeepseek, LogProbabilitiesAndGreedyTextsAgreeWithTheOracle) {
  EXPECT_EQ(expect_folder_agrees(kDeepseek), 5);
}

// How many files each family of kDense has.
struct Family {
  std::string_view name;
  int files;
};

void PrintTo(const Family& family, std::ostream* out) {
  *out << family.name;
}

class TinyDense : public testing::TestWithParam<Family> {};

TEST_P(TinyDense, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kDense, GetParam().name), GetParam().files);
}

INSTANTIATE_TEST_SUITE_P(Families, TinyDense,
                         testing::Values(Family{"gpt2", 5}, Family{"neox", 6}, Family{"phi", 4},
                                         Family{"gemma", 3}, Family{"gemma2", 4}, Family{"gemma3", 7},
                                         Family{"olmo2", 4}),
                         [](const auto& family) { return std::string(family.param.name); });

TEST(TinyGemma, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kGemma), 15);
}

TEST(TinyRecurrent, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kRecurrent), 10);
}

TEST(TinyQwen4, LogProbabilitiesAndGreedyTextsAgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(kQwen4), 4);
}

// Qwen2's GGUF files keep the order of query and key rows, so that all its files hold the same numbers.
TEST(TinyMixture, StackedAndSingleExpertsAndGgufGiveTheSameBits) {
  std::vector<std::vector<TokenOutcome>> found;
  const Json sequences = expected_values(kMixture)[2]["sequences"];
  for (const std::string_view file : {"qwen2_moe_f32", "qwen2_moe_f32_stacked", "qwen2_moe_f32.gguf"}) {
    const auto checkpoint = open_checkpoint(kMixture / file);
    ASSERT_TRUE(checkpoint.has_value());
    const auto model = describe_decoder(**checkpoint);
    ASSERT_TRUE(model.has_value()) << describe(model.error());
    Decoder decoder(*model, std::move(*make_reference_device(*model, {})));
    found.push_back(score(decoder, sequences));
  }
  EXPECT_EQ(found[1], found[0]);
  EXPECT_EQ(found[2], found[0]);
}

TEST(TinyLlama, ScoringGeneratedTokensGivesTheBitsSeenWhileGenerating) {
  for (const std::string_view file : {"wide_heads_bf16", "biased_f16.gguf", "blocks_q8_0.gguf"}) {
    const auto checkpoint = open_checkpoint(kLlama / file);
    ASSERT_TRUE(checkpoint.has_value());
    const auto model = describe_decoder(**checkpoint);
    ASSERT_TRUE(model.has_value());
    Decoder decoder(*model, std::move(*make_reference_device(*model, {})));
    TokenRunner runner([&](const Step& step, StepResult& result) { decoder.run(step, result); });
    const std::vector<Token> prompt = {3, 1, 4, 1, 5};
    Plan plan({.max_rows = 5});
    const auto generated = runner.run(plan, {generate_request(prompt, 60)});
    std::vector<Token> whole = prompt;
    whole.insert(whole.end(), generated[0].tokens.begin(), generated[0].tokens.end());
    const auto scored = runner.run(plan, {score_request(whole, static_cast<int>(prompt.size()))});
    ASSERT_EQ(generated[0].tokens.size(), 60u);
    EXPECT_EQ(scored[0].logprobs, generated[0].logprobs) << file;
    EXPECT_EQ(scored[0].best, std::vector<bool>(60, true)) << file;
  }
}

// The folder has weights only: the published ids are scored as they are.
TEST(StoriesFolder, LogProbabilitiesAgreeWithTheReference) {
  const std::filesystem::path models = shared_folder() / "models";
  if (!std::filesystem::exists(models)) GTEST_SKIP() << "no models in " << models;
  const auto text = read_file(models / "stories260K.reference.json");
  ASSERT_TRUE(text.has_value());
  const Json reference = parse_json(*text, "reference").value();
  const auto checkpoint = open_checkpoint(models / "stories260K-hf");
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  const auto model = describe_decoder(**checkpoint);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(model->spec.attention(0).rotary->layout, RotaryLayout::half_split);
  Decoder decoder(*model, std::move(*make_reference_device(*model, {})));
  Plan plan({});
  const auto ids = reference["greedy_from_bos_ids"].get<std::vector<Token>>();
  const auto outcome = TokenRunner([&](const Step& step, StepResult& result) {
                         decoder.run(step, result);
                       }).run(plan, {score_request(ids, 1)});
  const auto logprobs = reference["greedy_logprobs"].get<std::vector<float>>();
  ASSERT_EQ(outcome[0].logprobs.size(), logprobs.size());
  for (size_t i = 0; i < logprobs.size(); ++i) {
    EXPECT_NEAR(outcome[0].logprobs[i], logprobs[i], 2e-4F) << i;
    EXPECT_TRUE(outcome[0].best[i]) << i;
  }
}

}  // namespace
}  // namespace sizeup
