// What the reader of Qwen's experimental fourth generation makes of a configuration and what it refuses: the
// tiny models of tests/oracles/tiny_qwen4_golden.py with one thing changed. And hashes of n-grams against
// what transformers stored beside those models' tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/engine/architectures/table.h"
#include "backends/engine/extensions/ngram_embeddings.h"
#include "backends/engine/work.h"
#include "core/json/json.h"
#include "tests/support/edited_golden_model.h"

namespace sizeup {
namespace {

using testing::ElementsAre;

constexpr std::string_view kFolder = "tiny_qwen4";

EditedCheckpoint open(std::string_view model) {
  return edited_golden_model(kFolder, model);
}

TEST(Qwen4, LayersHaveAnIndexOrAStateAndSomeAConvolution) {
  const DecoderSpec spec = spec_of(open("whole"));
  for (const int layer : {0, 1, 2}) {
    EXPECT_TRUE(spec.layer(layer).delta.has_value());
    EXPECT_EQ(spec.layer(layer).convolution.has_value(), layer != 1);
  }
  ASSERT_TRUE(spec.attention(3).index.has_value());
  EXPECT_EQ(*spec.attention(3).index, (IndexSpec{.heads = 6, .head_size = 12, .block = 7, .chosen = 5}));
  EXPECT_EQ(*spec.layer(2).convolution, (ConvolutionSpec{.channels = 3 * 26, .taps = 3, .dilation = 3}));
  EXPECT_EQ(spec.earlier_tokens, 2);
  EXPECT_EQ(spec_of(open("plain")).earlier_tokens, 0);
  EXPECT_TRUE(spec_of(open("sigmoid")).layer(1).delta->sigmoid_gate);
}

TEST(Qwen4, WorkCountsTheWeightsOfTheFile) {
  for (const std::string_view file : {"whole", "sigmoid", "plain"}) {
    const EditedCheckpoint checkpoint = open(file);
    const DecoderSpec spec = spec_of(checkpoint);
    int64_t weights = 0;
    for (const Tensor& tensor : checkpoint.tensors()) {
      if (tensor.shape.size() == 2) weights += tensor.rows() * tensor.columns();
    }
    EXPECT_EQ(all_weights(spec) + spec.extension_table, weights) << file;
  }
}

TEST(Ngrams, HashesAreThoseOfTransformers) {
  const std::vector<NgramHash> hashes = make_ngram_hashes(
      {.vocabulary = 61, .separator = 5, .length = 3, .heads = 2, .least_size = 50, .seed = 1234}, 2);
  const EditedCheckpoint checkpoint = open("whole");
  for (const int layer : {0, 1}) {
    const std::string prefix = "model.layers." + std::to_string(2 * layer) + ".ple.ple_embedding.";
    const NgramHash& hash = hashes[static_cast<size_t>(layer)];
    EXPECT_TRUE(std::ranges::equal(hash.multipliers, checkpoint.integers(prefix + "layer_multipliers")));
    EXPECT_TRUE(std::ranges::equal(hash.sizes, checkpoint.integers(prefix + "ngram_heads_vocab_sizes")));
  }
}

// A text that begins and one that begins again are alike; a separator itself still follows what was before.
TEST(Ngrams, NothingBeforeASeparatorCounts) {
  constexpr Token kEnd = 5;
  const NgramHash hash = make_ngram_hashes(
      {.vocabulary = 61, .separator = kEnd, .length = 3, .heads = 2, .least_size = 50}, 1)[0];
  const auto of = [&](Token token, const std::vector<Token>& earlier) {
    std::vector<int32_t> numbers;
    hash.hash(token, earlier, numbers);
    return numbers;
  };
  EXPECT_EQ(of(9, {kEnd, 7}), of(9, {kNoToken, kNoToken}));
  EXPECT_EQ(of(9, {8, kEnd}), of(9, {8, kNoToken}));
  EXPECT_NE(of(9, {8, 7}), of(9, {8, kEnd}));
  EXPECT_NE(of(kEnd, {8, 7}), of(kEnd, {9, 7}));
  // Heads of 2-grams do not know the token before the last but one.
  const std::vector<int32_t> one = of(9, {8, 7});
  const std::vector<int32_t> other = of(9, {8, 6});
  EXPECT_THAT(std::vector(one.begin(), one.begin() + 2), ElementsAre(other[0], other[1]));
  EXPECT_NE(one[2], other[2]);
}

class Qwen4Refuses : public testing::TestWithParam<Refusal> {};

TEST_P(Qwen4Refuses, WhatItCannotCompute) {
  expect_refused(kFolder, GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Values, Qwen4Refuses,
    testing::Values(
        Refusal{"layer_type", "whole", "/layer_types/1", R"("sliding_attention")", "'layer_types' is"},
        Refusal{"no_index", "whole", "/indexer_n_heads", "null", "'indexer_n_heads'"},
        Refusal{"index_keys", "whole", "/indexer_kv_heads", "2", "'indexer_kv_heads' is not 1"},
        Refusal{"budget", "whole", "/indexer_budget", "36", "'indexer_budget' 36 is not a number of blocks"},
        Refusal{"index_rotary", "sigmoid", "/indexer_head_dim", "15", "rotary positions turn 16 elements"},
        Refusal{"one_stream", "whole", "/hc_count", "1", "'hc_count' is 1"},
        Refusal{"rank", "whole", "/hc_lowrank", "8", "input_mix_weight_down.weight"},
        Refusal{"gate", "sigmoid", "/output_gate_type", R"("tanh")", "'output_gate_type' is 'tanh'"},
        Refusal{"activation", "whole", "/hidden_act", R"("gelu")", "'hidden_act' is another one than silu"},
        Refusal{"ngram_layer", "whole", "/ple_layer_ids", "[1, 4]", "'ple_layer_ids' is [1,4]"},
        Refusal{"ngram_layer_outside", "whole", "/ple_layer_ids", "[0]", "'ple_layer_ids' is [0]"},
        Refusal{"separator", "whole", "/eos_token_id", "null", "'eos_token_id' is missing"},
        Refusal{"ngram_heads", "whole", "/heads_per_ngram", "5",
                "'ple_embed_dim' 24 is not divided by 10 heads"},
        Refusal{"ngram_length", "whole", "/ngram_size", "17", "n-grams of up to 17 tokens"},
        Refusal{"reach", "whole", "/ple_conv_kernel_size", "23", "a convolution of 23 taps"},
        Refusal{"seed", "whole", "/seed", "1235", "layer_multipliers"},
        Refusal{"other_seed", "whole", "/seed", R"("a")", "'seed' is no integer"},
        Refusal{"table", "whole", "/ngram_vocab_size_base", "60", "ngram_embedding.shard_"},
        Refusal{"unknown", "whole", "/hc_depth", "2", "'hc_depth' is 2, and what it changes is not known"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

TEST(Qwen4, NamesTheTensorThatIsMissing) {
  const std::pair<std::string_view, std::string_view> tensors[] = {
      {"whole", "model.hyper_connection_mixer.hc_norm.weight"},
      {"whole", "model.layers.1.mlp_hyper_connection.block_inject_weight.weight"},
      {"whole", "model.layers.0.ple.ple_embedding.ngram_embedding.shard_11.weight"},
      {"whole", "model.layers.3.self_attn.indexer.k_layernorm.weight"},
      {"multimodal", "model.language_model.layers.0.ple.norm_conv.weight"},
  };
  expect_missing_tensors_named(kFolder, tensors);
}

}  // namespace
}  // namespace sizeup
