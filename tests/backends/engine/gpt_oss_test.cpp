// What is made of gpt-oss's configurations and tensors, and what is refused: the tiny models of
// tests/oracles/tiny_gpt_oss_golden.py, edited.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/engine/architectures/table.h"
#include "core/json/json.h"
#include "tests/support/edited_golden_model.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

EditedCheckpoint edited(std::string_view model) {
  return edited_golden_model("tiny_gpt_oss", model);
}

std::vector<int> windows(const Checkpoint& checkpoint) {
  const DecoderSpec spec = spec_of(checkpoint);
  std::vector<int> found;
  for (int i = 0; i < spec.layer_count(); ++i) found.push_back(spec.attention(i).window);
  return found;
}

TEST(GptOss, EverySecondLayerHasTheWindow) {
  EditedCheckpoint folder = edited("bf16");
  EXPECT_EQ(windows(folder), (std::vector<int>{19, 0, 19}));
  folder.config().erase("layer_types");
  EXPECT_EQ(windows(folder), (std::vector<int>{19, 0, 19}));
  folder.config()["layer_types"] = {"full_attention", "full_attention", "sliding_attention"};
  EXPECT_EQ(windows(folder), (std::vector<int>{0, 0, 19}));
  EXPECT_EQ(windows(edited("mxfp4.gguf")), (std::vector<int>{45, 0}));
}

TEST(GptOss, ExpertsStayMxfp4) {
  const EditedCheckpoint folder = edited("mxfp4");
  const auto model = describe_decoder(folder);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  const ExpertTensors& expert = model->tensors.layers[1].mixture->experts[3];
  EXPECT_EQ(expert.gate.type, TensorType::mxfp4);
  EXPECT_EQ(expert.up.shape, (std::vector<int64_t>{96, 64}));
  EXPECT_EQ(expert.down.type, TensorType::mxfp4);
}

TEST(GptOss, RefusesAnotherGate) {
  EditedCheckpoint limit = edited("mxfp4");
  limit.config()["swiglu_limit"] = 6.0;
  EXPECT_THAT(problem(limit), HasSubstr("'swiglu_limit' is 6 and 'swiglu_alpha' 1.702"));
  EditedCheckpoint slope = edited("bf16");
  slope.config()["swiglu_alpha"] = 1.5;
  EXPECT_THAT(problem(slope), HasSubstr("'swiglu_limit' is 7 and 'swiglu_alpha' 1.5"));
}

TEST(GptOss, NeedsWhatTransformersWouldFillIn) {
  EditedCheckpoint unscaled = edited("mxfp4");
  unscaled.config().erase("rope_scaling");
  EXPECT_THAT(problem(unscaled), HasSubstr("no rotary scaling"));
  EditedCheckpoint no_base = edited("mxfp4");
  no_base.config().erase("rope_theta");
  EXPECT_THAT(problem(no_base), HasSubstr("'rope_theta' is missing"));
}

TEST(GptOss, RefusesWhatContradictsOrIsUnknown) {
  EditedCheckpoint used = edited("mxfp4");
  used.config()["experts_per_token"] = 2;
  EXPECT_THAT(problem(used), HasSubstr("'experts_per_token' is 2 (expected: 3, as 'num_experts_per_tok'"));
  EditedCheckpoint key = edited("mxfp4");
  key.config()["attention_sinks"] = false;
  EXPECT_THAT(problem(key), HasSubstr("'attention_sinks' is false, and what it changes is not known"));
  EditedCheckpoint gguf_key = edited("mxfp4.gguf");
  gguf_key.config()["gpt-oss.expert_weights_scale"] = 2.0;
  EXPECT_THAT(problem(gguf_key), HasSubstr("'gpt-oss.expert_weights_scale' is 2"));
}

TEST(GptOss, NamesTheTensorThatIsMissing) {
  const auto without = [](std::string_view model, const std::string& name) {
    EditedCheckpoint made = edited(model);
    made.remove(name);
    return problem(made);
  };
  for (const std::string name :
       {"self_attn.sinks", "self_attn.v_proj.bias", "self_attn.o_proj.bias", "mlp.router.bias",
        "mlp.experts.gate_up_proj", "mlp.experts.gate_up_proj_bias", "mlp.experts.down_proj",
        "mlp.experts.down_proj_bias"}) {
    const std::string full = "model.layers.1." + name;
    EXPECT_THAT(without("bf16", full), HasSubstr("'" + full + "' is missing"));
  }
  for (const std::string name :
       {"attn_sinks.weight", "attn_q.bias", "attn_output.bias", "post_attention_norm.weight",
        "ffn_gate_inp.bias", "ffn_gate_exps.bias", "ffn_up_exps.bias", "ffn_down_exps.bias"}) {
    const std::string full = "blk.0." + name;
    EXPECT_THAT(without("f16.gguf", full), HasSubstr("'" + full + "' is missing"));
  }
}

TEST(GptOss, RefusesTransposedExpertsInBlocks) {
  EditedCheckpoint made = edited("f16");
  made.tensor("model.layers.1.mlp.experts.down_proj").type = TensorType::q8_0;
  EXPECT_THAT(problem(made), HasSubstr("'model.layers.1.mlp.experts.down_proj' lies transposed and is Q8_0"));
}

}  // namespace
}  // namespace sizeup
