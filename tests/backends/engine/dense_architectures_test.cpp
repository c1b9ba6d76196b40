// What the readers of GPT-2, GPT-NeoX, Phi, Gemma and OLMo 2 make of a configuration and what they refuse:
// the tiny models of tests/oracles/tiny_dense_golden.py with one thing changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/engine/architectures/table.h"
#include "tests/support/edited_golden_model.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kFolder = "tiny_dense";

EditedCheckpoint open(std::string_view model) {
  return edited_golden_model(kFolder, model);
}

class DenseArchitectureRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(DenseArchitectureRefuses, WhatItCannotCompute) {
  expect_refused(kFolder, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, DenseArchitectureRefuses,
    testing::Values(
        Refusal{"gpt2_activation", "gpt2", "/activation_function", R"("relu")",
                "activation 'relu' is not supported yet"},
        Refusal{"gpt2_cross_attention", "gpt2", "/add_cross_attention", "true",
                "'add_cross_attention' is true"},
        Refusal{"gpt2_positions", "gpt2", "/n_positions", "300",
                "'transformer.wpe.weight' has shape {256, 30} (expected: shape {300, 30}"},
        Refusal{"gpt2_unknown", "gpt2", "/n_groups", "2",
                "'n_groups' is 2, and what it changes is not known"},
        Refusal{"gpt2_inner", "gpt2_published", "/n_inner", "64",
                "'h.0.mlp.c_fc.weight' {20, 80} for {20, 64}"},
        Refusal{"gpt2_gguf_epsilon", "gpt2.gguf", "/gpt2.attention.layer_norm_epsilon", "null",
                "'gpt2.attention.layer_norm_epsilon' is missing"},
        Refusal{"neox_part", "neox", "/rope_parameters/partial_rotary_factor", "0.3", "turn 7 elements"},
        Refusal{"neox_old_part", "neox_serial", "/rotary_pct", "0.3", "turn 3 elements"},
        Refusal{"neox_base", "neox_serial", "/rotary_emb_base", "-1", "'rotary_emb_base' is -1"},
        Refusal{"neox_parallel", "neox.gguf", "/gptneox.use_parallel_residual", "1",
                "'gptneox.use_parallel_residual' is 1"},
        Refusal{"phi_activation", "phi", "/hidden_act", R"("quick_gelu")",
                "activation 'quick_gelu' is not supported yet"},
        Refusal{"phi_norms", "phi", "/qk_layernorm", "true",
                "missing: 'model.layers.0.self_attn.q_layernorm.weight'"},
        Refusal{"gemma_direction", "gemma", "/use_bidirectional_attention", "true",
                "'use_bidirectional_attention' is true"},
        Refusal{"gemma_part", "gemma", "/rope_parameters/partial_rotary_factor", "0.5",
                "'partial_rotary_factor' is not supported yet"},
        Refusal{"gemma2_cap", "gemma2", "/attn_logit_softcapping", "-1", "'attn_logit_softcapping' is -1"},
        Refusal{"gemma2_scalar", "gemma2", "/query_pre_attn_scalar", "0", "'query_pre_attn_scalar' is 0"},
        Refusal{"gemma2_layers", "gemma2", "/layer_types", R"(["full_attention"])",
                "'layer_types' is [\"full_attention\"]"},
        Refusal{"gemma2_unknown", "gemma2_old", "/rope_local_base_freq", "500",
                "'rope_local_base_freq' is 500, and what it changes is not known"},
        Refusal{"gemma3_score_cap", "gemma3", "/attn_logit_softcapping", "50",
                "'attn_logit_softcapping' is not supported for Gemma 3"},
        Refusal{"gemma3_one_rotary", "gemma3", "/rope_parameters", R"({"rope_theta": 10000})",
                "'rope_theta' is 10000, and what it changes is not known"},
        Refusal{"gemma3_rotary_kind", "gemma3", "/rope_parameters/sliding_attention", "[1]",
                "'sliding_attention' is [1]"},
        Refusal{"gemma3_pattern", "gemma3_old", "/sliding_window_pattern", "0",
                "'sliding_window_pattern' is 0"},
        Refusal{"gemma3_gguf_pattern", "gemma3.gguf", "/gemma3.attention.sliding_window_pattern",
                "[true, false]", "'gemma3.attention.sliding_window_pattern' is of 2 layers (expected: of 7"},
        Refusal{"gemma3_no_text", "gemma3_multimodal", "/text_config", "[]", "'text_config' is missing"},
        Refusal{"gemma3_text", "gemma3_multimodal", "/text_config/attention_chunk_size", "8",
                "'attention_chunk_size' is 8, and what it changes is not known"},
        Refusal{"gemma3_audio", "gemma3_multimodal", "/audio_config", "{}", "'audio_config' is {}"},
        Refusal{"gemma3_head", "gemma3_multimodal", "/tie_word_embeddings", "false",
                "'lm_head.weight' is missing"},
        Refusal{"olmo2_unknown", "olmo2", "/clip_qkv", "8.0", "'clip_qkv' is 8.0"},
        Refusal{"olmo2_groups", "olmo2_grouped", "/num_key_value_heads", "4",
                "6 heads share 4 key/value heads"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

TEST(DenseArchitectures, NameTheTensorThatIsMissing) {
  const std::pair<std::string_view, std::string_view> tensors[] = {
      {"gpt2", "transformer.h.1.attn.c_proj.bias"},
      {"gpt2", "transformer.h.0.ln_1.bias"},
      {"gpt2.gguf", "position_embd.weight"},
      {"gpt2.gguf", "blk.1.attn_qkv.bias"},
      {"neox", "gpt_neox.layers.0.attention.query_key_value.bias"},
      {"phi", "lm_head.bias"},
      {"phi", "model.layers.1.self_attn.v_proj.bias"},
      {"phi.gguf", "output.bias"},
      {"gemma2", "model.layers.2.post_feedforward_layernorm.weight"},
      {"gemma3.gguf", "blk.6.attn_k_norm.weight"},
      {"gemma3_published", "language_model.model.norm.weight"},
      {"olmo2", "model.layers.0.post_attention_layernorm.weight"},
  };
  expect_missing_tensors_named(kFolder, tensors);
}

// As after ?quant=: blocks lie along the wrong axis.
TEST(Gpt2, RefusesTransposedBlocks) {
  EditedCheckpoint checkpoint = open("gpt2");
  checkpoint.tensor("transformer.h.0.mlp.c_fc.weight").type = TensorType::q8_0;
  EXPECT_THAT(problem(checkpoint),
              AllOf(HasSubstr("'transformer.h.0.mlp.c_fc.weight' is Q8_0 with outputs side by side"),
                    HasSubstr("F32, F16 or BF16")));
}

TEST(GptNeox, RefusesABiasWhoseHeadsCannotBeTakenApart) {
  EditedCheckpoint checkpoint = open("neox");
  checkpoint.tensor("gpt_neox.layers.0.attention.query_key_value.bias").type = TensorType::q8_0;
  EXPECT_THAT(problem(checkpoint), HasSubstr("query_key_value.bias' is Q8_0"));
}

// Without the keys that published files leave out: the expected shapes tell what the reader takes.
TEST(Gemma3, KnowsWhatPublishedFilesLeaveOut) {
  const auto without = [](std::string_view key) {
    EditedCheckpoint checkpoint = open("gemma3_published");
    checkpoint.config()["text_config"].erase(std::string(key));
    return problem(checkpoint);
  };
  EXPECT_THAT(without("num_attention_heads"), HasSubstr("{24, 28} for {48, 28}"));  // 8 of 6
  EXPECT_THAT(without("num_key_value_heads"), HasSubstr("{12, 28} for {24, 28}"));  // 4 of 6
  EXPECT_THAT(without("head_dim"), HasSubstr("{24, 28} for {1024, 28}"));
  EXPECT_THAT(without("vocab_size"), HasSubstr("shape {262208, 28}"));
  EditedCheckpoint checkpoint = open("gemma3_published");
  for (const std::string_view key : {"max_position_embeddings", "query_pre_attn_scalar", "sliding_window",
                                     "sliding_window_pattern", "rope_theta", "rope_local_base_freq"})
    checkpoint.config()["text_config"].erase(std::string(key));
  const DecoderSpec spec = spec_of(checkpoint);
  EXPECT_EQ(spec.context_length, 131072);
  const AttentionSpec& attention = spec.attention(3);  // the first without a window would be the sixth
  EXPECT_EQ(attention.window, 4096);
  EXPECT_EQ(attention.score_scale(), 1.0F / 16.0F);
  EXPECT_EQ(attention.rotary->base, 10000.0F);
}

// Layers with a window longer than the context see all of it, but keep their kind of positions.
TEST(Gemma3, LayersKeepTheirPositionsWhateverTheWindow) {
  EditedCheckpoint checkpoint = open("gemma3");
  checkpoint.config()["sliding_window"] = 300;
  const DecoderSpec spec = spec_of(checkpoint);
  for (int i = 0; i < spec.layer_count(); ++i) {
    EXPECT_EQ(spec.attention(i).window, 0) << i;
    EXPECT_EQ(spec.attention(i).rotary->base, i == 5 ? 1e6F : 1e4F) << i;
    EXPECT_EQ(spec.attention(i).rotary->frequencies.empty(), i != 5) << i;
  }
}

TEST(Gemma3, ReadsThePatternOfAGgufFile) {
  EditedCheckpoint checkpoint = open("gemma3.gguf");
  Json& pattern = checkpoint.config()["gemma3.attention.sliding_window_pattern"];
  const auto full_layers = [&checkpoint] {
    std::vector<int> full;
    const DecoderSpec spec = spec_of(checkpoint);
    for (int i = 0; i < spec.layer_count(); ++i) {
      if (spec.attention(i).window == 0) full.push_back(i);
    }
    return full;
  };
  EXPECT_EQ(full_layers(), std::vector<int>{5});
  pattern = 3;
  EXPECT_EQ(full_layers(), (std::vector<int>{2, 5}));
  pattern = Json::parse("[true, true, false, true, true, true, false]");
  EXPECT_EQ(full_layers(), (std::vector<int>{2, 6}));
}

TEST(Gemma2, NullIsNoCap) {
  EditedCheckpoint checkpoint = open("gemma2");
  checkpoint.config()["attn_logit_softcapping"] = nullptr;
  checkpoint.config().erase("final_logit_softcapping");
  const DecoderSpec spec = spec_of(checkpoint);
  EXPECT_EQ(spec.attention(0).score_cap, 0.0F);
  EXPECT_EQ(spec.logit_cap, 30.0F);
}

// Its files do not say the divisor; only the largest model's is not the size of a head.
TEST(Gemma2, ScalesScoresOfGgufFilesByTheModelsDepth) {
  EditedCheckpoint checkpoint = open("gemma2.gguf");
  const DecoderSpec small = spec_of(checkpoint);
  EXPECT_EQ(small.attention(0).score_scale(), 1.0F / std::sqrt(10.0F));
  constexpr int kLargest = 46;
  const std::vector<Tensor> all = checkpoint.tensors();
  for (int i = small.layer_count(); i < kLargest; ++i) {
    for (Tensor tensor : all) {
      constexpr std::string_view kFirst = "blk.0.";
      if (!tensor.name.starts_with(kFirst)) continue;
      tensor.name = "blk." + std::to_string(i) + "." + tensor.name.substr(kFirst.size());
      checkpoint.add(std::move(tensor));
    }
  }
  checkpoint.config()["gemma2.block_count"] = kLargest;
  EXPECT_FLOAT_EQ(spec_of(checkpoint).attention(0).score_scale(),
                  1.0F / std::sqrt(6.0F));  // width 24, 4 heads
}

}  // namespace
}  // namespace sizeup
