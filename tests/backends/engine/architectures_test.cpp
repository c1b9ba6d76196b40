// What the architecture files refuse, and what they make of a configuration: checkpoints made up in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <span>

#include "backends/engine/architectures/table.h"
#include "backends/engine/engine_backend.h"
#include "backends/engine/quantised_weights.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class MadeUpCheckpoint : public Checkpoint {
 public:
  MadeUpCheckpoint(CheckpointFormat format, Json config) : format_(format), config_(std::move(config)) {}

  // `values` must live as long.
  void add(const std::string& name, std::vector<int64_t> shape, std::span<const float> values = {}) {
    tensors_.push_back(
        {.name = name, .type = TensorType::f32, .shape = std::move(shape), .data = std::as_bytes(values)});
  }
  // Every tensor holds the first of these values, which must live as long.
  void fill(std::span<const float> values) {
    for (Tensor& tensor : tensors_)
      tensor.data = std::as_bytes(values.first(static_cast<size_t>(tensor.rows() * tensor.columns())));
  }
  void remove(std::string_view name) {
    std::erase_if(tensors_, [&](const Tensor& tensor) { return tensor.name == name; });
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
  CheckpointFormat format_;
  Json config_;
  std::filesystem::path path_ = "some/model";
  std::vector<Tensor> tensors_;
};

// Two heads of size 6 over one key/value head, width 10.
MadeUpCheckpoint hugging_face() {
  MadeUpCheckpoint made(CheckpointFormat::safetensors, Json::parse(R"({
    "architectures": ["LlamaForCausalLM"], "hidden_size": 10, "intermediate_size": 14, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 6, "vocab_size": 20, "rms_norm_eps": 1e-5,
    "max_position_embeddings": 32, "tie_word_embeddings": false, "rope_theta": 500.0})"));
  made.add("model.embed_tokens.weight", {20, 10});
  made.add("model.norm.weight", {10});
  made.add("lm_head.weight", {20, 10});
  made.add("model.layers.0.input_layernorm.weight", {10});
  made.add("model.layers.0.post_attention_layernorm.weight", {10});
  made.add("model.layers.0.self_attn.q_proj.weight", {12, 10});
  made.add("model.layers.0.self_attn.k_proj.weight", {6, 10});
  made.add("model.layers.0.self_attn.v_proj.weight", {6, 10});
  made.add("model.layers.0.self_attn.o_proj.weight", {10, 12});
  made.add("model.layers.0.mlp.gate_proj.weight", {14, 10});
  made.add("model.layers.0.mlp.up_proj.weight", {14, 10});
  made.add("model.layers.0.mlp.down_proj.weight", {10, 14});
  return made;
}

MadeUpCheckpoint gguf() {
  MadeUpCheckpoint made(CheckpointFormat::gguf, Json::parse(R"({
    "general.architecture": "llama", "llama.embedding_length": 8, "llama.block_count": 1, "llama.context_length": 16,
    "llama.feed_forward_length": 12, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
    "llama.attention.layer_norm_rms_epsilon": 1e-6, "llama.rope.dimension_count": 2})"));
  made.add("token_embd.weight", {9, 8});
  made.add("output_norm.weight", {8});
  for (const std::string_view name : {"attn_norm", "ffn_norm"})
    made.add("blk.0." + std::string(name) + ".weight", {8});
  made.add("blk.0.attn_q.weight", {8, 8});
  made.add("blk.0.attn_k.weight", {4, 8});
  made.add("blk.0.attn_v.weight", {4, 8});
  made.add("blk.0.attn_output.weight", {8, 8});
  made.add("blk.0.ffn_gate.weight", {12, 8});
  made.add("blk.0.ffn_up.weight", {12, 8});
  made.add("blk.0.ffn_down.weight", {8, 12});
  return made;
}

std::string problem(const MadeUpCheckpoint& checkpoint) {
  const auto model = describe_decoder(checkpoint);
  return model ? std::string("no problem") : describe(model.error());
}

TEST(Llama, ReadsAHuggingFaceFolder) {
  const MadeUpCheckpoint made = hugging_face();
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(model->architecture, "llama");
  EXPECT_EQ(model->spec.attention(0).head_size, 6);
  EXPECT_EQ(model->spec.attention(0).query_width(), 12);
  EXPECT_EQ(model->spec.attention(0).kv_width(), 6);
  EXPECT_EQ(model->spec.attention(0).rotary->layout, RotaryLayout::half_split);
  EXPECT_EQ(model->spec.attention(0).rotary->dimensions, 6);
  EXPECT_EQ(model->spec.attention(0).rotary->base, 500.0F);
  EXPECT_FALSE(model->spec.tied_head);
  EXPECT_EQ(model->tensors.head.weight, made.find("lm_head.weight"));
  EXPECT_EQ(model->tensors.layers[0].query_key_value[0].bias, nullptr);
}

TEST(Llama, ReadsAGgufFile) {
  MadeUpCheckpoint made = gguf();
  made.add("blk.0.attn_q.bias", {8});
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(model->spec.vocabulary, 9);
  EXPECT_EQ(model->spec.attention(0).head_size, 4);
  EXPECT_EQ(model->spec.attention(0).rotary->layout, RotaryLayout::interleaved);
  EXPECT_EQ(model->spec.attention(0).rotary->dimensions, 2);
  EXPECT_EQ(model->spec.attention(0).rotary->base, 10000.0F);
  EXPECT_TRUE(model->spec.tied_head);
  EXPECT_EQ(model->tensors.layers[0].query_key_value[0].bias, made.find("blk.0.attn_q.bias"));
}

TEST(Llama, NamesTheTensorThatIsWrong) {
  MadeUpCheckpoint missing = hugging_face();
  missing.remove("model.layers.0.mlp.up_proj.weight");
  EXPECT_THAT(problem(missing),
              AllOf(HasSubstr("some/model"), HasSubstr("'model.layers.0.mlp.up_proj.weight' is missing"),
                    HasSubstr("{14, 10}")));
  MadeUpCheckpoint shape = hugging_face();
  shape.remove("model.layers.0.self_attn.k_proj.weight");
  shape.add("model.layers.0.self_attn.k_proj.weight", {12, 10});
  EXPECT_THAT(problem(shape),
              AllOf(HasSubstr("k_proj.weight' has shape {12, 10}"), HasSubstr("shape {6, 10}")));
  MadeUpCheckpoint bias = gguf();
  bias.add("blk.0.ffn_down.bias", {9});
  EXPECT_THAT(problem(bias), HasSubstr("'blk.0.ffn_down.bias' has shape {9}"));
  MadeUpCheckpoint head = hugging_face();
  head.remove("lm_head.weight");
  EXPECT_THAT(problem(head), HasSubstr("'lm_head.weight' is missing"));
}

TEST(Tensors, AllThatDoNotFitAreListedAtOnce) {
  MadeUpCheckpoint made = hugging_face();
  made.remove("model.norm.weight");
  made.remove("model.layers.0.mlp.up_proj.weight");
  made.remove("model.layers.0.self_attn.k_proj.weight");
  made.add("model.layers.0.self_attn.k_proj.weight", {12, 10});
  made.add("model.layers.0.self_attn.sinks", {2});
  made.add("model.layers.0.self_attn.q_proj.lora_A.weight", {4, 10});
  EXPECT_THAT(
      problem(made),
      AllOf(HasSubstr("some/model: 5 tensors do not fit the configuration: missing: 'model.norm.weight' "
                      "{10}, 'model.layers.0.mlp.up_proj.weight' {14, 10}; of another shape: "
                      "'model.layers.0.self_attn.k_proj.weight' {12, 10} for {6, 10}; not known what they "
                      "change: 'model.layers.0.self_attn.sinks' {2}, "
                      "'model.layers.0.self_attn.q_proj.lora_A.weight' {4, 10}"),
            HasSubstr("?adapter=")));
}

TEST(Tensors, TheFirstOfManyAreListedAndTheOthersCounted) {
  MadeUpCheckpoint made = gguf();
  made.config()["llama.block_count"] = 3;  // two layers of nine tensors are missing
  EXPECT_THAT(problem(made),
              AllOf(HasSubstr("18 tensors do not fit"), HasSubstr("'blk.1.attn_norm.weight' {8}"),
                    HasSubstr("'blk.2.attn_norm.weight' {8} and 8 more"), Not(HasSubstr("blk.2.attn_q"))));
  made.config()["llama.block_count"] = 4000;  // the search ends before all are counted
  EXPECT_THAT(problem(made), HasSubstr("at least 100"));
}

struct Extra {
  std::string_view name;
  MadeUpCheckpoint (*make)();
  std::string tensor;
  std::vector<int64_t> shape;
  bool harmless;
};

void PrintTo(const Extra& extra, std::ostream* out) {
  *out << extra.name;
}

class ExtraTensor : public testing::TestWithParam<Extra> {};

TEST_P(ExtraTensor, IsLeftOutOnlyIfItIsKnownToChangeNothing) {
  const Extra& extra = GetParam();
  MadeUpCheckpoint made = extra.make();
  if (made.format() == CheckpointFormat::safetensors) made.config()["num_nextn_predict_layers"] = 1;
  made.add(extra.tensor, extra.shape);
  const auto model = describe_decoder(made);
  if (extra.harmless) {
    ASSERT_TRUE(model.has_value()) << describe(model.error());
    ASSERT_EQ(model->unused.size(), 1u);
    EXPECT_EQ(model->unused[0].tensor, made.find(extra.tensor));
    EXPECT_NE(model->unused[0].why, "");
  } else {
    ASSERT_FALSE(model.has_value());
    EXPECT_THAT(describe(model.error()),
                HasSubstr("1 tensor does not fit the configuration: not known what they change: '" +
                          extra.tensor + "'"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, ExtraTensor,
    testing::Values(
        Extra{"frequencies", hugging_face, "model.layers.0.self_attn.rotary_emb.inv_freq", {3}, true},
        Extra{"positions", hugging_face, "model.embeddings.position_ids", {1, 32}, true},
        Extra{"mask", hugging_face, "transformer.h.0.attn.bias", {1, 1, 32, 32}, true},
        Extra{"bias_named_like_a_mask", hugging_face, "transformer.h.0.attn.bias", {12}, false},
        Extra{"masked", hugging_face, "gpt_neox.layers.0.attention.masked_bias", {}, true},
        Extra{"images", hugging_face, "vision_tower.layers.0.self_attn.q_proj.weight", {8, 8}, true},
        Extra{"sounds", hugging_face, "model.audio_tower.conv.weight", {8, 8}, true},
        Extra{"image_folder", hugging_face, "model.layers.0.vision_tower.weight", {8, 8}, false},
        Extra{"later_tokens", hugging_face, "mtp.fc.weight", {10, 20}, true},
        Extra{"later_layer", hugging_face, "model.layers.1.eh_proj.weight", {10, 20}, true},
        Extra{"layer_beyond", hugging_face, "model.layers.2.eh_proj.weight", {10, 20}, false},
        Extra{"cache_scale", hugging_face, "model.layers.0.self_attn.k_proj.k_scale", {}, true},
        Extra{"sinks", hugging_face, "model.layers.0.self_attn.sinks", {2}, false},
        Extra{"head_norm", hugging_face, "model.layers.0.self_attn.q_norm.weight", {6}, false},
        Extra{"head_bias", hugging_face, "lm_head.bias", {20}, false},
        Extra{"experts", gguf, "blk.0.ffn_gate_exps.weight", {4, 12, 8}, false},
        Extra{"sinks_gguf", gguf, "blk.0.attn_sinks.weight", {2}, false},
        Extra{"image_gguf", gguf, "v.blk.0.attn_q.weight", {8, 8}, true}),
    [](const auto& extra) { return std::string(extra.param.name); });

TEST(Tensors, ThatHoldRotaryDivisorsAreRead) {
  MadeUpCheckpoint made = gguf();
  made.add("rope_factors_long.weight", {1});
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_TRUE(model->unused.empty());
}

TEST(Tensors, ThatAreUnusedAreNotCounted) {
  const std::vector<float> values(20 * 10, 0.3F);
  const auto size_with = [&](std::string_view extra) {
    auto made = std::make_unique<MadeUpCheckpoint>(hugging_face());
    if (!extra.empty()) made->add(std::string(extra), {1, 1, 4, 4});
    made->fill(values);
    auto model = describe_decoder(*made);
    EXPECT_TRUE(model.has_value()) << describe(model.error());
    OpenedModel opened;
    opened.model = std::move(*model);
    opened.checkpoint = std::move(made);
    return weights_size(opened);
  };
  const WeightsSize plain = size_with("");
  const WeightsSize more = size_with("transformer.h.0.attn.bias");
  EXPECT_EQ(plain.parameters, 2 * 200 + 3 * 10 + 2 * 120 + 2 * 60 + 3 * 140);
  EXPECT_EQ(plain.bytes, plain.parameters * 4);
  EXPECT_EQ(more.parameters, plain.parameters);
  EXPECT_EQ(more.bytes_by_format, plain.bytes_by_format);
}

// As transformers ties them.
TEST(TiedHead, IsTheEmbeddingUnlessTheFileHasAnother) {
  const std::vector<float> ones(20 * 10, 1.0F), others(20 * 10, 2.0F);
  const auto tied = [&](const std::vector<float>* embedding, const std::vector<float>* head) {
    MadeUpCheckpoint made = hugging_face();
    made.config()["tie_word_embeddings"] = true;
    made.remove("model.embed_tokens.weight");
    made.remove("lm_head.weight");
    if (embedding != nullptr) made.add("model.embed_tokens.weight", {20, 10}, *embedding);
    if (head != nullptr) made.add("lm_head.weight", {20, 10}, *head);
    return made;
  };
  const MadeUpCheckpoint equal = tied(&ones, &ones);
  const auto same = describe_decoder(equal);
  ASSERT_TRUE(same.has_value()) << describe(same.error());
  EXPECT_TRUE(same->spec.tied_head);
  EXPECT_EQ(same->tensors.head.weight, nullptr);
  EXPECT_EQ(same->unused.at(0).tensor, equal.find("lm_head.weight"));

  const MadeUpCheckpoint different = tied(&ones, &others);
  const auto untied = describe_decoder(different);
  ASSERT_TRUE(untied.has_value()) << describe(untied.error());
  EXPECT_FALSE(untied->spec.tied_head);
  EXPECT_EQ(untied->tensors.head.weight, different.find("lm_head.weight"));
  EXPECT_TRUE(untied->unused.empty());

  const MadeUpCheckpoint head_only = tied(nullptr, &ones);
  const auto swapped = describe_decoder(head_only);
  ASSERT_TRUE(swapped.has_value()) << describe(swapped.error());
  EXPECT_TRUE(swapped->spec.tied_head);
  EXPECT_EQ(swapped->tensors.embedding, head_only.find("lm_head.weight"));

  EXPECT_THAT(problem(tied(nullptr, nullptr)), HasSubstr("'model.embed_tokens.weight' is missing"));
}

TEST(TiedHead, StaysTiedWhenTheEmbeddingIsRounded) {
  const std::vector<float> values(20 * 10, 0.3F);
  auto made = std::make_unique<MadeUpCheckpoint>(hugging_face());
  made->config()["tie_word_embeddings"] = true;
  made->fill(values);
  const auto model = describe_decoder(*made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  const auto rounded = quantise_weights(std::move(made), *model, TensorType::bf16, 1);
  ASSERT_TRUE(rounded.has_value()) << describe(rounded.error());
  EXPECT_EQ(rounded->checkpoint->find("lm_head.weight"), nullptr);
  const auto described = describe_decoder(*rounded->checkpoint);
  ASSERT_TRUE(described.has_value()) << describe(described.error());
  EXPECT_TRUE(described->spec.tied_head);
}

// Of hugging_face() without feed-forwards: the first layer is dense, the second has three experts, as single
// tensors.
MadeUpCheckpoint qwen_experts() {
  MadeUpCheckpoint made = hugging_face();
  made.config().update(Json::parse(R"({
    "architectures": ["Qwen2MoeForCausalLM"], "num_hidden_layers": 2, "num_experts": 3, "num_experts_per_tok": 2,
    "moe_intermediate_size": 4, "shared_expert_intermediate_size": 5, "decoder_sparse_step": 2})"));
  const std::vector<Tensor> first = made.tensors();
  for (const Tensor& tensor : first) {
    const std::string_view prefix = "model.layers.0.";
    if (!tensor.name.starts_with(prefix) || tensor.name.find(".mlp.") != std::string::npos) continue;
    made.add("model.layers.1." + tensor.name.substr(prefix.size()), tensor.shape);
  }
  for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
    made.add(layer + "self_attn.q_proj.bias", {12});
    made.add(layer + "self_attn.k_proj.bias", {6});
    made.add(layer + "self_attn.v_proj.bias", {6});
  }
  const std::string mlp = "model.layers.1.mlp.";
  made.add(mlp + "gate.weight", {3, 10});
  for (const std::string_view expert : {"experts.0.", "experts.1.", "experts.2."}) {
    made.add(mlp + std::string(expert) + "gate_proj.weight", {4, 10});
    made.add(mlp + std::string(expert) + "up_proj.weight", {4, 10});
    made.add(mlp + std::string(expert) + "down_proj.weight", {10, 4});
  }
  made.add(mlp + "shared_expert.gate_proj.weight", {5, 10});
  made.add(mlp + "shared_expert.up_proj.weight", {5, 10});
  made.add(mlp + "shared_expert.down_proj.weight", {10, 5});
  made.add(mlp + "shared_expert_gate.weight", {1, 10});
  return made;
}

// gguf() with four experts in files' older form: a tensor for each.
MadeUpCheckpoint gguf_experts() {
  MadeUpCheckpoint made = gguf();
  made.config()["llama.expert_count"] = 4;
  made.config()["llama.expert_used_count"] = 2;
  made.add("blk.0.ffn_gate_inp.weight", {4, 8});
  for (const std::string_view part : {"ffn_gate", "ffn_up", "ffn_down"}) {
    made.remove("blk.0." + std::string(part) + ".weight");
    for (const std::string_view expert : {".0.", ".1.", ".2.", ".3."}) {
      const bool down = part == "ffn_down";
      made.add("blk.0." + std::string(part) + std::string(expert) + "weight",
               down ? std::vector<int64_t>{8, 12} : std::vector<int64_t>{12, 8});
    }
  }
  return made;
}

TEST(Experts, AreInTheLayersThatTheConfigurationSays) {
  const MadeUpCheckpoint made = qwen_experts();
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  const ExpertSpec& experts = model->spec.experts;
  EXPECT_EQ(experts.layers, (std::vector<bool>{false, true}));
  EXPECT_EQ(experts.count, 3);
  EXPECT_EQ(experts.used, 2);
  EXPECT_EQ(experts.width, 4);
  EXPECT_EQ(experts.shared_width, 5);
  EXPECT_TRUE(experts.shared_gated);
  EXPECT_FALSE(experts.normalised);
  EXPECT_FALSE(model->tensors.layers[0].mixture.has_value());
  ASSERT_TRUE(model->tensors.layers[1].mixture.has_value());
  EXPECT_EQ(model->tensors.layers[1].mixture->experts[2].up.name,
            "model.layers.1.mlp.experts.2.up_proj.weight");
}

TEST(Experts, OfAGgufFileMayBeATensorEach) {
  const MadeUpCheckpoint made = gguf_experts();
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(model->architecture, "mixtral");
  EXPECT_TRUE(model->spec.experts.normalised);
  EXPECT_EQ(model->tensors.layers[0].mixture->experts[3].down.name, "blk.0.ffn_down.3.weight");
}

// Of hugging_face() with three experts in every layer, and two shared ones.
MadeUpCheckpoint deepseek() {
  MadeUpCheckpoint made = hugging_face();
  made.config().update(Json::parse(R"({
    "architectures": ["DeepseekForCausalLM"], "n_routed_experts": 3, "num_experts_per_tok": 2,
    "moe_intermediate_size": 4, "n_shared_experts": 2, "aux_loss_alpha": 0.001, "seq_aux": true})"));
  const std::string mlp = "model.layers.0.mlp.";
  for (const std::string_view part : {"gate_proj", "up_proj", "down_proj"})
    made.remove(mlp + std::string(part) + ".weight");
  made.add(mlp + "gate.weight", {3, 10});
  for (const std::string_view expert : {"experts.0.", "experts.1.", "experts.2.", "shared_experts."}) {
    const int64_t width = expert.starts_with("shared") ? 8 : 4;
    made.add(mlp + std::string(expert) + "gate_proj.weight", {width, 10});
    made.add(mlp + std::string(expert) + "up_proj.weight", {width, 10});
    made.add(mlp + std::string(expert) + "down_proj.weight", {10, width});
  }
  return made;
}

TEST(Deepseek, HasSharedExpertsAsOneOfAllTheirWidths) {
  const MadeUpCheckpoint made = deepseek();
  const auto model = describe_decoder(made);
  ASSERT_TRUE(model.has_value()) << describe(model.error());
  EXPECT_EQ(model->spec.experts.shared_width, 8);
  EXPECT_FALSE(model->spec.experts.shared_gated);
  EXPECT_EQ(model->tensors.layers[0].mixture->shared->down.shape, (std::vector<int64_t>{10, 8}));
}

TEST(Deepseek, FirstLayersAreDense) {
  MadeUpCheckpoint made = deepseek();
  made.config()["first_k_dense_replace"] = 1;
  EXPECT_THAT(problem(made),
              AllOf(HasSubstr("missing: 'model.layers.0.mlp.gate_proj.weight'"),
                    HasSubstr("not known what they change: 'model.layers.0.mlp.gate.weight'")));
}

TEST(Windows, AreOfTheLayersThatTheConfigurationSays) {
  const auto windows = [](std::string_view changes) {
    MadeUpCheckpoint made = qwen_experts();
    made.config().update(Json::parse(changes));
    const auto model = describe_decoder(made);
    EXPECT_TRUE(model.has_value()) << describe(model.error());
    std::vector<int> found;
    for (int i = 0; model && i < model->spec.layer_count(); ++i)
      found.push_back(model->spec.attention(i).window);
    return found;
  };
  using Windows = std::vector<int>;
  EXPECT_EQ(windows(R"({"sliding_window": 8})"), (Windows{0, 0}));  // not used
  EXPECT_EQ(windows(R"({"sliding_window": 32, "use_sliding_window": true, "max_window_layers": 0})"),
            (Windows{0, 0}));  // the whole context
  EXPECT_EQ(windows(R"({"sliding_window": 8, "use_sliding_window": true, "max_window_layers": 1})"),
            (Windows{0, 8}));
  EXPECT_EQ(windows(R"({"sliding_window": 8, "use_sliding_window": true, "max_window_layers": 1,
                        "layer_types": ["sliding_attention", "full_attention"]})"),
            (Windows{8, 0}));
}

TEST(Qwen2, NeedsItsBiases) {
  MadeUpCheckpoint made = qwen_experts();
  made.remove("model.layers.1.self_attn.v_proj.bias");
  EXPECT_THAT(problem(made), HasSubstr("'model.layers.1.self_attn.v_proj.bias' is missing"));
}

TEST(Experts, TheTensorThatIsWrongIsNamed) {
  MadeUpCheckpoint missing = qwen_experts();
  missing.remove("model.layers.1.mlp.experts.1.down_proj.weight");
  EXPECT_THAT(problem(missing), HasSubstr("'model.layers.1.mlp.experts.1.down_proj.weight' is missing"));
  MadeUpCheckpoint router = gguf_experts();
  router.remove("blk.0.ffn_gate_inp.weight");
  router.add("blk.0.ffn_gate_inp.weight", {5, 8});
  EXPECT_THAT(problem(router), HasSubstr("'blk.0.ffn_gate_inp.weight' has shape {5, 8}"));
  MadeUpCheckpoint stacked = gguf_experts();
  stacked.add("blk.0.ffn_up_exps.weight", {4, 12, 9});
  EXPECT_THAT(problem(stacked), HasSubstr("'blk.0.ffn_up_exps.weight' has shape {4, 12, 9}"));
}

struct Refusal {
  std::string_view name;
  MadeUpCheckpoint (*make)();
  std::string_view key;
  std::string_view value;  // JSON
  std::string_view message;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

class ArchitectureRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ArchitectureRefuses, WhatItCannotCompute) {
  MadeUpCheckpoint made = GetParam().make();
  ASSERT_EQ(problem(made), "no problem");
  made.config()[std::string(GetParam().key)] = Json::parse(GetParam().value);
  EXPECT_THAT(problem(made), AllOf(HasSubstr("some/model"), HasSubstr(std::string(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, ArchitectureRefuses,
    testing::Values(
        Refusal{"unknown", hugging_face, "architectures", R"(["MambaForCausalLM"])",
                "'MambaForCausalLM' is not supported yet (expected: one of: LlamaForCausalLM"},
        Refusal{"unnamed", hugging_face, "architectures", "[]", "architecture '' is not supported yet"},
        Refusal{"unknown_gguf", gguf, "general.architecture", R"("mamba")",
                "'mamba' is not supported yet (expected: one of: llama"},
        Refusal{"scaling", hugging_face, "rope_scaling", R"({"type": "linear"})", "'factor' is missing"},
        Refusal{"scaling_kind", hugging_face, "rope_scaling", R"({"type": "spiral", "factor": 2.0})",
                "rotary scaling 'spiral' is not supported yet"},
        Refusal{"scaling_key", hugging_face, "rope_scaling",
                R"({"type": "linear", "factor": 2.0, "twist": 3})",
                "'twist' is 3, and what it changes is not known"},
        Refusal{"scaling_factors", hugging_face, "rope_scaling",
                R"({"type": "longrope", "short_factor": [1, 1, 0], "long_factor": [1, 1, 1]})",
                "'short_factor' is not a list of 3 positive numbers"},
        Refusal{"scaling_part", hugging_face, "rope_parameters", R"({"partial_rotary_factor": 0.5})",
                "'partial_rotary_factor' is not supported yet"},
        Refusal{"scaling_text", hugging_face, "rope_scaling", R"("linear")", "'rope_scaling' is \"linear\""},
        Refusal{"scaling_gguf", gguf, "llama.rope.scaling.type", R"("spiral")",
                "rotary scaling 'spiral' is not supported yet"},
        Refusal{"theta", hugging_face, "rope_parameters", R"({"rope_theta": "x"})", "'rope_theta' is \"x\""},
        Refusal{"many_experts", gguf_experts, "llama.expert_count", "5000", "the model has 5000 experts"},
        Refusal{"few_experts", gguf_experts, "llama.expert_used_count", "5", "each token uses 5 experts"},
        Refusal{"no_used", gguf_experts, "llama.expert_used_count", "null",
                "'llama.expert_used_count' is missing"},
        Refusal{"window", gguf_experts, "llama.attention.sliding_window", "-8",
                "'llama.attention.sliding_window' is -8"},
        Refusal{"dense_layers", qwen_experts, "mlp_only_layers", "[2]", "'mlp_only_layers' is [2]"},
        Refusal{"sparse_step", qwen_experts, "decoder_sparse_step", "0", "'decoder_sparse_step' is 0"},
        Refusal{"scoring", deepseek, "scoring_func", R"("sigmoid")", "'scoring_func' is \"sigmoid\""},
        Refusal{"shared_experts", deepseek, "n_shared_experts", "268435456", "are too large"},
        Refusal{"scaled_experts", deepseek, "routed_scaling_factor", "2.5",
                "'routed_scaling_factor' is 2.5, and what it changes is not known"},
        Refusal{"layer_types", qwen_experts, "layer_types", R"(["full_attention"])",
                "'layer_types' is [\"full_attention\"] (expected: \"full_attention\" or"},
        Refusal{"layer_kind", qwen_experts, "layer_types", R"(["full_attention", "linear_attention"])",
                "'layer_types' is"},
        Refusal{"unknown_key", hugging_face, "attention_multiplier", "0.5",
                "'attention_multiplier' is 0.5, and what it changes is not known"},
        Refusal{"unknown_gguf_key", gguf, "llama.attention.scale", "0.5",
                "'llama.attention.scale' is 0.5, and what it changes is not known"},
        Refusal{"encoder", hugging_face, "is_encoder_decoder", "true", "'is_encoder_decoder' is true"},
        Refusal{"activation", hugging_face, "hidden_act", R"("relu")",
                "activation 'relu' is not supported yet"},
        Refusal{"quantised", hugging_face, "quantization_config", R"({"bits": 4})",
                "'quantization_config' is not supported yet"},
        Refusal{"negative", hugging_face, "num_hidden_layers", "-1", "'num_hidden_layers' is -1"},
        Refusal{"huge", hugging_face, "vocab_size", "99999999999999999999", "'vocab_size' is"},
        Refusal{"deep", hugging_face, "num_hidden_layers", "100000", "100000 layers"},
        Refusal{"wide", gguf, "llama.attention.key_length", "268435456", "are too large"},
        Refusal{"text", gguf, "llama.context_length", R"("16")", "'llama.context_length' is \"16\""},
        Refusal{"groups", hugging_face, "num_key_value_heads", "3", "2 heads share 3 key/value heads"},
        Refusal{"odd", gguf, "llama.rope.dimension_count", "3", "turn 3 elements"},
        Refusal{"beyond", gguf, "llama.rope.dimension_count", "6", "turn 6 elements"},
        Refusal{"epsilon", hugging_face, "rms_norm_eps", "0", "'rms_norm_eps' is 0"},
        Refusal{"values", gguf, "llama.attention.value_length", "2", "another size than keys"},
        Refusal{"absent", gguf, "llama.block_count", "null", "'llama.block_count' is missing"},
        Refusal{"tied", hugging_face, "tie_word_embeddings", "1", "'tie_word_embeddings' is 1"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

}  // namespace
}  // namespace sizeup
