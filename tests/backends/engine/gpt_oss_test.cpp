// What is made of gpt-oss's configurations and tensors, and what is refused: the tiny models of
// tests/oracles/tiny_gpt_oss_golden.py, edited.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/engine/architectures/table.h"
#include "core/json/json.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

// A checkpoint with another configuration or other tensors.
class Edited : public Checkpoint {
 public:
  explicit Edited(std::string_view model) {
    auto opened = open_checkpoint(golden_folder() / "tiny_gpt_oss" / model);
    EXPECT_TRUE(opened.has_value()) << describe(opened.error());
    source_ = std::move(*opened);
    config_ = source_->config();
    tensors_ = source_->tensors();
  }

  Json& edit_config() { return config_; }
  Tensor& edit(std::string_view name) { return *const_cast<Tensor*>(find(name)); }

  CheckpointFormat format() const override { return source_->format(); }
  const std::filesystem::path& path() const override { return source_->path(); }
  const Json& config() const override { return config_; }
  const std::vector<Tensor>& tensors() const override { return tensors_; }
  const Tensor* find(std::string_view name) const override {
    for (const Tensor& tensor : tensors_) {
      if (tensor.name == name) return &tensor;
    }
    return nullptr;
  }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  std::unique_ptr<Checkpoint> source_;
  Json config_;
  std::vector<Tensor> tensors_;
};

std::string problem(const Checkpoint& checkpoint) {
  const auto model = describe_decoder(checkpoint);
  return model ? std::string("no problem") : describe(model.error());
}

std::vector<int> windows(const Checkpoint& checkpoint) {
  const auto model = describe_decoder(checkpoint);
  EXPECT_TRUE(model.has_value()) << describe(model.error());
  std::vector<int> found;
  for (int i = 0; model && i < model->spec.layer_count(); ++i)
    found.push_back(model->spec.attention(i).window);
  return found;
}

TEST(GptOss, EverySecondLayerHasTheWindow) {
  Edited folder("bf16");
  EXPECT_EQ(windows(folder), (std::vector<int>{19, 0, 19}));
  folder.edit_config().erase("layer_types");
  EXPECT_EQ(windows(folder), (std::vector<int>{19, 0, 19}));
  folder.edit_config()["layer_types"] = {"full_attention", "full_attention", "sliding_attention"};
  EXPECT_EQ(windows(folder), (std::vector<int>{0, 0, 19}));
  EXPECT_EQ(windows(Edited("mxfp4.gguf")), (std::vector<int>{45, 0}));
}

TEST(GptOss, ExpertsStayMxfp4) {
  const Edited folder("mxfp4");
  const auto model = describe_decoder(folder);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  const ExpertTensors& expert = model->tensors.layers[1].mixture->experts[3];
  EXPECT_EQ(expert.gate.type, TensorType::mxfp4);
  EXPECT_EQ(expert.up.shape, (std::vector<int64_t>{96, 64}));
  EXPECT_EQ(expert.down.type, TensorType::mxfp4);
}

TEST(GptOss, RefusesAnotherGate) {
  Edited limit("mxfp4");
  limit.edit_config()["swiglu_limit"] = 6.0;
  EXPECT_THAT(problem(limit), HasSubstr("'swiglu_limit' is 6 and 'swiglu_alpha' 1.702"));
  Edited slope("bf16");
  slope.edit_config()["swiglu_alpha"] = 1.5;
  EXPECT_THAT(problem(slope), HasSubstr("'swiglu_limit' is 7 and 'swiglu_alpha' 1.5"));
}

TEST(GptOss, NeedsWhatTransformersWouldFillIn) {
  Edited unscaled("mxfp4");
  unscaled.edit_config().erase("rope_scaling");
  EXPECT_THAT(problem(unscaled), HasSubstr("no rotary scaling"));
  Edited no_base("mxfp4");
  no_base.edit_config().erase("rope_theta");
  EXPECT_THAT(problem(no_base), HasSubstr("'rope_theta' is missing"));
}

TEST(GptOss, RefusesWhatContradictsOrIsUnknown) {
  Edited used("mxfp4");
  used.edit_config()["experts_per_token"] = 2;
  EXPECT_THAT(problem(used), HasSubstr("'experts_per_token' is 2 (expected: 3, as 'num_experts_per_tok'"));
  Edited key("mxfp4");
  key.edit_config()["attention_sinks"] = false;
  EXPECT_THAT(problem(key), HasSubstr("'attention_sinks' is false, and what it changes is not known"));
  Edited gguf_key("mxfp4.gguf");
  gguf_key.edit_config()["gpt-oss.expert_weights_scale"] = 2.0;
  EXPECT_THAT(problem(gguf_key), HasSubstr("'gpt-oss.expert_weights_scale' is 2"));
}

TEST(GptOss, NamesTheTensorThatIsMissing) {
  const auto without = [](std::string_view model, const std::string& name) {
    Edited made(model);
    made.edit(name).name = "renamed";
    return problem(made);
  };
  for (const std::string name :
       {"self_attn.sinks", "self_attn.v_proj.bias", "self_attn.o_proj.bias", "mlp.router.bias",
        "mlp.experts.gate_up_proj", "mlp.experts.gate_up_proj_bias", "mlp.experts.down_proj",
        "mlp.experts.down_proj_bias"}) {
    const std::string full = "model.layers.1." + name;
    EXPECT_THAT(without("bf16", full), HasSubstr("missing: '" + full + "'"));
  }
  for (const std::string name :
       {"attn_sinks.weight", "attn_q.bias", "attn_output.bias", "post_attention_norm.weight",
        "ffn_gate_inp.bias", "ffn_gate_exps.bias", "ffn_up_exps.bias", "ffn_down_exps.bias"}) {
    const std::string full = "blk.0." + name;
    EXPECT_THAT(without("f16.gguf", full), HasSubstr("missing: '" + full + "'"));
  }
}

TEST(GptOss, RefusesTransposedExpertsInBlocks) {
  Edited made("f16");
  made.edit("model.layers.1.mlp.experts.down_proj").type = TensorType::q8_0;
  EXPECT_THAT(problem(made), HasSubstr("'model.layers.1.mlp.experts.down_proj' lies transposed and is Q8_0"));
}

}  // namespace
}  // namespace sizeup
