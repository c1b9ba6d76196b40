// Golden models on the Metal device, its kernels on the host: every family.
#include <gtest/gtest.h>

#include "tests/backends/engine/golden_folder.h"
#include "tests/metal/metal_devices.h"

namespace sizeup::metal_shim {
namespace {

std::vector<Computer> metal() {
  return {{"metal", [](const DecoderModel& model) { return make_device(model, Order::ascending); }}};
}

TEST(MetalGolden, LlamaAgreesWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_llama"), 6);
}

TEST(MetalGolden, BlockFormatsAgreeWithTransformersOnTheDequantisedWeights) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_quantised"), 13);
}

TEST(MetalGolden, DeepseekAgreesWithTheOracleSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_deepseek"), 5);
}

TEST(MetalGolden, MixturesAgreeWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_mixture"), 7);
}

TEST(MetalGolden, GptOssAgreesWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_gpt_oss"), 5);
}

TEST(MetalGolden, FamiliesAgreeWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_families"), 24);
}

TEST(MetalGolden, RecurrentAgreesWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_recurrent"), 10);
}

TEST(MetalGolden, GemmaAgreesWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_gemma"), 15);
}

TEST(MetalGolden, Qwen4AgreesWithTransformersSlow) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_qwen4"), 4);
}

struct Family {
  std::string_view name;
  int files;
};
class MetalFamilies : public testing::TestWithParam<Family> {};

TEST_P(MetalFamilies, AgreeWithTransformers) {
  EXPECT_EQ(expect_folder_agrees(metal(), golden_folder() / "tiny_dense", GetParam().name), GetParam().files);
}

std::string family_name(const testing::TestParamInfo<Family>& info) {
  return std::string(info.param.name);
}
// Layer norms and learned positions; windows, norms of heads and two kinds of rotation.
INSTANTIATE_TEST_SUITE_P(Few, MetalFamilies,
                         testing::Values(Family{"gpt2_scales", 1}, Family{"gemma3_capped", 1}), family_name);
INSTANTIATE_TEST_SUITE_P(OthersSlow, MetalFamilies,
                         testing::Values(Family{"gpt2", 5}, Family{"neox", 6}, Family{"phi", 4},
                                         Family{"gemma", 3}, Family{"gemma2", 4}, Family{"gemma3", 7},
                                         Family{"olmo2", 4}),
                         family_name);

// The ids that karpathy's own program writes.
TEST(MetalGolden, Stories) {
  const std::filesystem::path models = shared_folder() / "models";
  if (!std::filesystem::exists(models)) GTEST_SKIP() << "no models in " << models;
  const Json reference = Json::parse(read_whole(models / "stories260K.reference.json"));
  const auto ids = reference["greedy_from_bos_ids"].get<std::vector<Token>>();
  const auto logprobs = reference["greedy_logprobs"].get<std::vector<float>>();
  const auto checkpoint = open_checkpoint(models / "stories260K-hf");
  ASSERT_TRUE(checkpoint.has_value()) << describe(checkpoint.error());
  const auto model = describe_decoder(**checkpoint);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  Decoder decoder(*model, std::move(*make_device(*model, Order::descending)));
  Plan plan({});
  const auto outcome = TokenRunner([&](const Step& step, StepResult& result) {
                         decoder.run(step, result);
                       }).run(plan, {score_request(ids, 1)});
  ASSERT_EQ(outcome[0].logprobs.size(), logprobs.size());
  for (size_t i = 0; i < logprobs.size(); ++i) {
    EXPECT_NEAR(outcome[0].logprobs[i], logprobs[i], 2e-4F) << i;
    EXPECT_TRUE(outcome[0].best[i]) << i;
  }
}

}  // namespace
}  // namespace sizeup::metal_shim
