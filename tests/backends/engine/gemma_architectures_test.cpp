// What the readers of Gemma 3n and Gemma 4 make of a configuration and what they refuse: the tiny models of
// tests/oracles/tiny_gemma_golden.py with one thing changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/engine/architectures/table.h"
#include "backends/engine/decoder_extension.h"
#include "backends/engine/quantised_weights.h"
#include "backends/engine/work.h"
#include "core/json/json.h"
#include "tests/support/edited_golden_model.h"

namespace sizeup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kFolder = "tiny_gemma";

EditedCheckpoint open(std::string_view model) {
  return edited_golden_model(kFolder, model);
}

template <class Value>
std::vector<Value> of_layers(const DecoderSpec& spec, Value LayerSpec::*member) {
  std::vector<Value> values;
  for (const LayerSpec& layer : spec.layers) values.push_back(layer.*member);
  return values;
}

TEST(Gemma3n, LastLayersAttendToTheLastKeysOfTheirKind) {
  EXPECT_THAT(of_layers(spec_of(open("gemma3n")), &LayerSpec::kv_layer),
              ElementsAre(0, 1, 2, 3, 4, 5, 4, 4, 5));
  EXPECT_THAT(of_layers(spec_of(open("gemma3n.gguf")), &LayerSpec::kv_layer),
              ElementsAre(0, 1, 2, 3, 4, 5, 4, 4, 5));
}

TEST(Gemma3n, SparsityBecomesStandardDeviations) {
  const auto folder = of_layers(spec_of(open("gemma3n")), &LayerSpec::gate_deviations);
  const auto file = of_layers(spec_of(open("gemma3n.gguf")), &LayerSpec::gate_deviations);
  ASSERT_TRUE(folder[0] && folder[1] && folder[2]);
  EXPECT_FLOAT_EQ(*folder[0], 1.6448536F);   // of 0.95
  EXPECT_FLOAT_EQ(*folder[1], 0.2533471F);   // of 0.6
  EXPECT_FLOAT_EQ(*folder[2], -0.5244005F);  // of 0.3
  for (size_t i = 0; i < folder.size(); ++i) {
    EXPECT_EQ(folder[i].has_value(), i < 3);
    EXPECT_EQ(file[i].has_value(), i < 3);
    if (file[i]) {
      EXPECT_NEAR(*file[i], *folder[i], 1e-6);
    }
  }
}

TEST(Gemma3n, WithoutAPatternTheFirstTenLayersOfMoreAreSparse) {
  EditedCheckpoint checkpoint = open("gemma3n");
  checkpoint.config().erase("activation_sparsity_pattern");
  for (const auto& deviations : of_layers(spec_of(checkpoint), &LayerSpec::gate_deviations))
    EXPECT_FALSE(deviations.has_value()) << "there are nine";
}

TEST(Gemma4, LayersHaveHeadsAndWidthsOfTheirOwn) {
  for (const std::string_view file : {"gemma4_layers", "gemma4_layers.gguf"}) {
    const DecoderSpec spec = spec_of(open(file));
    std::vector<int> sizes;
    for (const LayerSpec& layer : spec.layers) sizes.push_back(layer.attention.head_size);
    EXPECT_THAT(sizes, ElementsAre(8, 8, 14, 8, 8, 14, 8, 14)) << file;
    EXPECT_THAT(of_layers(spec, &LayerSpec::ffn_width), ElementsAre(33, 33, 33, 33, 66, 66, 66, 66)) << file;
    EXPECT_THAT(of_layers(spec, &LayerSpec::kv_layer), ElementsAre(0, 1, 2, 3, 3, 2, 3, 2)) << file;
  }
}

TEST(Gemma4, KeysAreValuesInLayersWithoutWindow) {
  for (const std::string_view file : {"gemma4", "gemma4.gguf"}) {
    const DecoderSpec spec = spec_of(open(file));
    EXPECT_THAT(of_layers(spec, &LayerSpec::values_are_keys), ElementsAre(false, false, true, false, true));
    EXPECT_EQ(spec.attention(2).kv_heads, 1);
    EXPECT_EQ(spec.attention(3).kv_heads, 2);
  }
}

TEST(Gemma4, AModelWithoutMoreHasNoExtension) {
  const auto plain = describe_decoder(open("gemma4"));
  const auto layers = describe_decoder(open("gemma4_layers"));
  ASSERT_TRUE(plain.has_value() && layers.has_value());
  EXPECT_EQ(plain->tensors.extension, nullptr);
  EXPECT_NE(layers->tensors.extension, nullptr);
}

// All matrices of the file are counted, be they the spec's or the extension's.
TEST(GemmaArchitectures, WorkCountsTheWeightsOfTheFile) {
  for (const std::string_view file : {"gemma3n", "gemma3n.gguf", "gemma4_layers", "gemma4_experts"}) {
    const EditedCheckpoint checkpoint = open(file);
    const DecoderSpec spec = spec_of(checkpoint);
    int64_t weights = 0;
    for (const Tensor& tensor : checkpoint.tensors()) {
      if (tensor.shape.size() >= 2) weights += tensor.rows() * tensor.columns();
    }
    EXPECT_EQ(linear_weights(spec) + unused_weights(spec) + head_weights(spec) + spec.extension_table,
              weights)
        << file;
  }
}

// ... and every matrix of an extension is one of the file's, so that what rounds or counts them finds it.
TEST(GemmaArchitectures, ExtensionsNameTheirMatrices) {
  const EditedCheckpoint checkpoint = open("gemma3n");
  const auto model = describe_decoder(checkpoint);
  ASSERT_TRUE(model.has_value());
  const ExtensionWeights weights = model->tensors.extension->weights();
  // The table, its projection, two for each stream but the first, and four and three of each layer.
  EXPECT_EQ(weights.matrices.size(), 2u + 6u + 9u * 4u);
  EXPECT_EQ(weights.coefficients.size(), 9u * 3u);
  for (const Tensor* matrix : weights.matrices) EXPECT_NE(checkpoint.find(matrix->name), nullptr);
}

// Rows of neither are whole blocks.
TEST(GemmaArchitectures, CoefficientsOfStreamsAreNotRounded) {
  auto source = open_checkpoint(golden_folder() / kFolder / "gemma3n");
  ASSERT_TRUE(source.has_value());
  const auto model = describe_decoder(**source);
  ASSERT_TRUE(model.has_value());
  const auto rounded = quantise_weights(std::move(*source), *model, TensorType::q8_0, 1);
  ASSERT_TRUE(rounded.has_value());
  const auto type_of = [&](std::string_view name) { return rounded->checkpoint->find(name)->type; };
  EXPECT_EQ(type_of("model.embed_tokens_per_layer.weight"), TensorType::bf16);
  EXPECT_EQ(type_of("model.layers.0.laurel.linear_left.weight"), TensorType::bf16);
  EXPECT_EQ(type_of("model.layers.0.altup.prediction_coefs.weight"), TensorType::f32);
  EXPECT_EQ(type_of("model.layers.0.altup.modality_router.weight"), TensorType::f32);
}

class GemmaArchitectureRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(GemmaArchitectureRefuses, WhatItCannotCompute) {
  expect_refused(kFolder, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, GemmaArchitectureRefuses,
    testing::Values(
        Refusal{"gemma3n_sparsity", "gemma3n", "/activation_sparsity_pattern", "1.0",
                "'activation_sparsity_pattern' is 1.0"},
        Refusal{"gemma3n_sparse_layers", "gemma3n", "/activation_sparsity_pattern", "[0.5, 0.5]",
                "'activation_sparsity_pattern' is [0.5,0.5]"},
        Refusal{"gemma3n_gguf_sparsity", "gemma3n.gguf", "/gemma3n.activation_sparsity_scale", "[0.5]",
                "'gemma3n.activation_sparsity_scale' is not a list of 9 numbers"},
        Refusal{"gemma3n_widths", "gemma3n_streams", "/intermediate_size", "[31, 45]",
                "'intermediate_size' is [31,45]"},
        Refusal{"gemma3n_active", "gemma3n", "/altup_active_idx", "4", "stream 4 of 4 is the active one"},
        Refusal{"gemma3n_shared", "gemma3n", "/num_kv_shared_layers", "9",
                "9 of 9 layers have no keys of their own"},
        Refusal{"gemma3n_shared_kind", "gemma3n", "/num_kv_shared_layers", "7",
                "7 of 9 layers have no keys of their own"},
        Refusal{"gemma3n_rank", "gemma3n", "/laurel_rank", "8", "'model.layers.0.laurel.linear_left.weight'"},
        Refusal{"gemma3n_unknown", "gemma3n", "/altup_depth", "2",
                "'altup_depth' is 2, and what it changes is not known"},
        Refusal{"gemma3n_text", "gemma3n_multimodal", "/text_config", "null", "'text_config' is missing"},
        Refusal{"gemma3n_other_part", "gemma3n_multimodal", "/smell_config", "{}", "'smell_config' is {}"},
        Refusal{"gemma4_direction", "gemma4", "/use_bidirectional_attention", R"("all")",
                "'use_bidirectional_attention' is of all tokens"},
        Refusal{"gemma4_positions", "gemma4", "/rope_parameters", "null", "'rope_parameters' is missing"},
        Refusal{"gemma4_layer", "gemma4", "/per_layer_config/2/sliding_window", "8",
                "'sliding_window' is 8, and what it changes is not known"},
        Refusal{"gemma4_heads", "gemma4", "/per_layer_config/4/head_dim", "12",
                "layers of one kind have heads of 10 and 12"},
        Refusal{"gemma4_shared_heads", "gemma4_layers", "/per_layer_config/7/num_key_value_heads", "2",
                "layer 7 attends to the keys of layer 2, whose heads differ"},
        Refusal{"gemma4_experts", "gemma4_experts", "/top_k_experts", "6", "each token uses 6 experts"},
        Refusal{"gemma4_gguf_heads", "gemma4.gguf", "/gemma4.attention.head_count_kv", "[2, 2, 1]",
                "'gemma4.attention.head_count_kv' is [2,2,1]"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

TEST(GemmaArchitectures, NameTheTensorThatIsMissing) {
  const std::pair<std::string_view, std::string_view> tensors[] = {
      {"gemma3n", "model.altup_unembed_projections.2.weight"},
      {"gemma3n", "model.layers.8.altup.correct_output_scale"},
      {"gemma3n", "model.layers.5.self_attn.k_norm.weight"},
      {"gemma3n", "model.embed_tokens_per_layer.weight"},
      {"gemma3n.gguf", "blk.3.laurel_post_norm.weight"},
      {"gemma3n.gguf", "altup_proj.weight"},
      {"gemma3n_multimodal", "model.language_model.layers.1.per_layer_input_gate.weight"},
      {"gemma4_experts", "model.layers.1.router.per_expert_scale"},
      {"gemma4_experts.gguf", "blk.2.pre_ffw_norm_2.weight"},
      {"gemma4_layers.gguf", "blk.7.post_norm.weight"},
  };
  expect_missing_tensors_named(kFolder, tensors);
}

}  // namespace
}  // namespace sizeup
