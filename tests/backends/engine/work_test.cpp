#include "backends/engine/work.h"

#include <gtest/gtest.h>

namespace sizeup {
namespace {

// Small enough to count by hand; heads * head_size is not the width.
DecoderSpec small_spec() {
  DecoderSpec spec;
  spec.vocabulary = 100;
  spec.context_length = 100;
  spec.width = 8;
  for (int i = 0; i < 2; ++i) {
    spec.layers.push_back(
        {.attention = {.heads = 3, .kv_heads = 1, .head_size = 4}, .kv_layer = i, .ffn_width = 5});
  }
  spec.tied_head = true;
  return spec;
}

TEST(Work, WeightsAreThoseOfTheLinearLayers) {
  // A layer: query 12 x 8, key and value 4 x 8 each, output 8 x 12; gate and up 5 x 8 each, down 8 x 5.
  EXPECT_EQ(linear_weights(small_spec()), 2 * (96 + 32 + 32 + 96 + 40 + 40 + 40));
  EXPECT_EQ(head_weights(small_spec()), 800);
}

TEST(Work, FlopCountRowsWantedRowsAndAttendedPositions) {
  const DecoderSpec spec = small_spec();
  EXPECT_EQ(flop_of(spec, {.rows = 1, .wanted = 0, .attended = 0}), 2.0 * 752);
  EXPECT_EQ(flop_of(spec, {.rows = 0, .wanted = 1, .attended = 0}), 2.0 * 800);
  // A multiplication and an addition with key and with value.
  EXPECT_EQ(flop_of(spec, {.rows = 0, .wanted = 0, .attended = 24}), 24 * 4.0);
  EXPECT_EQ(flop_of(spec, {.rows = 7, .wanted = 2, .attended = 11}), 7 * 1504.0 + 2 * 1600.0 + 11 * 4.0);
}

TEST(Work, ARecurrentLayerHasItsProjectionsAndItsStates) {
  DecoderSpec spec = small_spec();
  LayerSpec& layer = spec.layers[1];
  layer.attention = {};
  layer.kv_layer = kNoKeys;
  layer.delta = {.key_heads = 1, .value_heads = 2, .key_size = 3, .value_size = 5, .taps = 4};
  // Query and key 3 each, value and gate 10 each, two gates for each head; then from 10 values.
  const int64_t input = 8 * (3 + 3 + 10 + 10 + 4);
  EXPECT_EQ(linear_weights(spec), 96 + 32 + 32 + 96 + 120 + input + 80 + 120);
  // Two heads of 3 x 5 elements, each multiplied with key, with query, and with what changes.
  EXPECT_EQ(flop_of(spec, {.rows = 1}), 2.0 * static_cast<double>(linear_weights(spec)) + 6.0 * 30);
}

TEST(Work, AStepsWorkIsCountedFromItsRows) {
  Step step;
  step.tokens = {1, 2, 3};
  step.positions = {0, 1, 9};
  step.wanted.resize(2);
  Work work = work_of(small_spec(), step);
  EXPECT_EQ(work.rows, 3);
  EXPECT_EQ(work.wanted, 2);
  EXPECT_EQ(work.context, 1 + 2 + 10);
  EXPECT_EQ(work.attended, 2 * 12 * (1 + 2 + 10));
  work += work_of(small_spec(), step);
  EXPECT_EQ(work.rows, 6);
  EXPECT_EQ(work.wanted, 4);
  EXPECT_EQ(work.attended, 4 * 12 * 13);
}

TEST(Work, AWindowBoundsWhatIsAttendedTo) {
  DecoderSpec spec = small_spec();
  spec.layers[1].attention.window = 4;
  Step step;
  step.tokens = {1, 2, 3};
  step.positions = {0, 1, 9};
  EXPECT_EQ(work_of(spec, step).attended, 12 * (1 + 2 + 10) + 12 * (1 + 2 + 4));
}

TEST(Work, AnIndexBoundsWhatIsAttendedTo) {
  DecoderSpec spec = small_spec();
  spec.layers[1].attention.index = IndexSpec{.heads = 1, .head_size = 2, .block = 4, .chosen = 1};
  Step step;
  step.tokens = {1, 2, 3};
  step.positions = {0, 5, 9};  // of the last, a block of two and what comes after them
  EXPECT_EQ(work_of(spec, step).attended, 12 * (1 + 6 + 10) + 12 * (1 + 6 + 6));
}

TEST(Work, LayersWithoutKeysOfTheirOwnAndWithoutGatesHaveFewerWeights) {
  DecoderSpec spec = small_spec();
  spec.layers[1].kv_layer = 0;
  EXPECT_EQ(linear_weights(spec), linear_weights(small_spec()) - 2 * 32);
  spec.gated = false;
  EXPECT_EQ(linear_weights(spec), linear_weights(small_spec()) - 2 * 32 - 2 * 40);
}

TEST(Work, AStepReadsNoEmbeddingOfItsOwn) {
  DecoderSpec spec = small_spec();
  EXPECT_EQ(share_read_by_step(spec, 1), 1.0);
  spec.tied_head = false;
  EXPECT_DOUBLE_EQ(share_read_by_step(spec, 1), 1552.0 / 2352.0);
}

TEST(Work, OfExpertsThoseThatATokenUsesCount) {
  DecoderSpec spec = small_spec();
  // The second layer: a router of 10 + the shared expert's gate, experts of 7, a shared one of 3, each three
  // matrices.
  spec.experts = {
      .count = 10, .used = 2, .width = 7, .shared_width = 3, .shared_gated = true, .layers = {false, true}};
  const int64_t expert = 3 * 7 * 8;
  EXPECT_EQ(linear_weights(spec), 2 * 256 + 120 + 11 * 8 + 2 * expert + 3 * 3 * 8);
  EXPECT_EQ(unused_weights(spec), 8 * expert);
  EXPECT_EQ(unused_weights(small_spec()), 0);
  const auto used = static_cast<double>(linear_weights(spec) + 800);
  const auto all = used + static_cast<double>(8 * expert);
  EXPECT_DOUBLE_EQ(share_read_by_step(spec, 1), used / all);
  // Two rows meet 10 (1 - 0.8 x 0.8) = 3.6 experts.
  EXPECT_DOUBLE_EQ(share_read_by_step(spec, 2), (used + 1.6 * static_cast<double>(expert)) / all);
}

}  // namespace
}  // namespace sizeup
