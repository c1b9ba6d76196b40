// The skeleton reads a made-up checkpoint and computes with it. The newcomer is Qwen3 under other names, so
// that Qwen3's tiny model, which is held against transformers, says what must come out.
#include "tests/backends/engine/skeleton_architecture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder.h"
#include "backends/reference/reference_device.h"
#include "core/json/json.h"
#include "tests/backends/engine/token_runner.h"
#include "tests/support/files.h"

namespace sizeup {
namespace {

using testing::HasSubstr;

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kRenamed = {{
    {"model.layers.", "decoder.blocks."},
    {"model.embed_tokens.", "decoder.words."},
    {"model.norm.", "decoder.last_norm."},
    {".input_layernorm.", ".norm_1."},
    {".self_attn.q_proj.", ".attention.query."},
    {".self_attn.k_proj.", ".attention.key."},
    {".self_attn.v_proj.", ".attention.value."},
    {".self_attn.q_norm.", ".attention.query_norm."},
    {".self_attn.k_norm.", ".attention.key_norm."},
    {".self_attn.o_proj.", ".attention.output."},
    {".post_attention_layernorm.", ".norm_2."},
    {".mlp.gate_proj.", ".feed_forward.gate."},
    {".mlp.up_proj.", ".feed_forward.up."},
    {".mlp.down_proj.", ".feed_forward.down."},
}};

constexpr std::string_view kConfig = R"({
  "architectures": ["NewcomerForCausalLM"], "hidden_size": 26, "intermediate_size": 43, "num_hidden_layers": 2,
  "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 10, "vocab_size": 79, "norm_eps": 1e-5,
  "max_position_embeddings": 256, "rope_theta": 10000.0})";

// Qwen3's tiny model as the newcomer's.
class Renamed : public Checkpoint {
 public:
  explicit Renamed(const Checkpoint& qwen) : format_(qwen.format()), path_("a/newcomer") {
    for (Tensor tensor : qwen.tensors()) {
      tensor.name = new_name(tensor.name);
      tensors_.push_back(std::move(tensor));
    }
    if (format_ == CheckpointFormat::safetensors) {
      config_ = parse_json(kConfig, "config").value();
      return;
    }
    for (const auto& [key, value] : qwen.config().items())
      config_[key.starts_with("qwen3.") ? "newcomer." + key.substr(6) : key] = value;
    config_["general.architecture"] = "newcomer";
  }

  CheckpointFormat format() const override { return format_; }
  const std::filesystem::path& path() const override { return path_; }
  const Json& config() const override { return config_; }
  Json& config() { return config_; }
  const std::vector<Tensor>& tensors() const override { return tensors_; }
  const Tensor* find(std::string_view name) const override {
    for (const Tensor& tensor : tensors_) {
      if (tensor.name == name) return &tensor;
    }
    return nullptr;
  }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  static std::string new_name(std::string name) {
    for (const auto& [old, replacement] : kRenamed) {
      const size_t place = name.find(old);
      if (place != std::string::npos) name.replace(place, old.size(), replacement);
    }
    return name;
  }

  CheckpointFormat format_;
  std::filesystem::path path_;
  Json config_;
  std::vector<Tensor> tensors_;
};

std::unique_ptr<Checkpoint> qwen(std::string_view file) {
  return open_checkpoint(golden_folder() / "tiny_families" / file).value();
}

std::vector<TokenOutcome> outcomes(const DecoderModel& model) {
  Decoder decoder(model, std::move(*make_reference_device(model, {})));
  Plan plan({});
  TokenRunner runner([&](const Step& step, StepResult& result) { decoder.run(step, result); });
  return runner.run(plan, {score_request({3, 1, 41, 59, 26, 5, 35, 8}, 1), generate_request({7, 7, 12}, 5)});
}

TEST(SkeletonArchitecture, ComputesWhatItsTwinComputes) {
  for (const std::string_view file : {"qwen3", "qwen3.gguf"}) {
    const auto checkpoint = qwen(file);
    const Renamed renamed(*checkpoint);
    const auto newcomer = describe_newcomer(renamed);
    ASSERT_TRUE(newcomer.has_value()) << describe(newcomer.error());
    EXPECT_EQ(newcomer->architecture, "newcomer");
    EXPECT_EQ(outcomes(*newcomer), outcomes(describe_decoder(*checkpoint).value())) << file;
  }
}

TEST(SkeletonArchitecture, RefusesWhatItDoesNotKnow) {
  const auto checkpoint = qwen("qwen3");
  Renamed renamed(*checkpoint);
  renamed.config()["word_shift"] = 2;
  const auto newcomer = describe_newcomer(renamed);
  ASSERT_FALSE(newcomer.has_value());
  EXPECT_THAT(describe(newcomer.error()), HasSubstr("'word_shift' is 2"));
}

}  // namespace
}  // namespace sizeup
