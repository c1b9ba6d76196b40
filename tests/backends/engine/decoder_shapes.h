// Small decoders of every structure, for tests of what each device promises.
#pragma once

#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/rotary_scaling.h"
#include "tests/support/random_decoder.h"

namespace sizeup {

inline constexpr int kVocabulary = 50;  // of random_requests

inline void add_layers(DecoderSpec& spec, int count, LayerSpec layer) {
  for (; count > 0; --count) {
    layer.kv_layer = spec.layer_count();
    spec.layers.push_back(layer);
  }
}

inline DecoderSpec small_spec(int heads, int kv_heads, int head_size, int width, int ffn_width) {
  DecoderSpec spec;
  spec.vocabulary = kVocabulary;
  spec.context_length = 1024;
  spec.width = width;
  spec.norm.epsilon = 1e-5F;
  LayerSpec layer;
  layer.attention = {.heads = heads, .kv_heads = kv_heads, .head_size = head_size};
  layer.attention.rotary = {
      .layout = RotaryLayout::half_split, .dimensions = head_size / 2 * 2, .base = 10000.0F};
  layer.ffn_width = ffn_width;
  add_layers(spec, 2, layer);
  spec.tied_head = heads % 2 == 0;
  return spec;
}

// A dense layer, then one of seven experts and a shared one.
inline DecoderSpec with_experts(DecoderSpec spec, int width, int shared_width) {
  spec.experts = {.count = 7,
                  .used = 3,
                  .width = width,
                  .scoring = RouterScoring::softmax,
                  .shared_width = shared_width,
                  .shared_gated = true,
                  .layers = {false, true}};
  return spec;
}

// Windows within a page and over several, a layer without rotation, norms of heads, stretched positions.
inline DecoderSpec with_everything(DecoderSpec spec) {
  RotarySpec& rotary = *spec.layers.front().attention.rotary;
  rotary.frequencies = yarn_frequencies(rotary, {.factor = 4.0F, .original_length = 64});
  rotary.scale = yarn_scale(4.0F);
  const LayerSpec layer = spec.layers.front();
  spec.layers.clear();
  add_layers(spec, 4, layer);
  spec.layers[1].attention.window = 23;
  spec.layers[2].attention.window = 90;
  spec.layers[3].attention.window = 23;
  spec.layers[2].attention.rotary.reset();
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.experts = {.count = 5, .used = 2, .width = 30, .layers = {false, true, false, false}};
  return spec;
}

// As models were before Llama: layer norms, a feed-forward without gate beside the attention, positions in a
// table and in a part of each head; and caps.
inline DecoderSpec with_layer_norms(DecoderSpec spec) {
  spec.norm = {.kind = NormKind::layer, .epsilon = 1e-5F};
  spec.parallel = true;
  spec.gated = false;
  spec.activation = Activation::gelu;
  spec.learned_positions = true;
  spec.embedding_scale = 1.5F;
  spec.logit_cap = 9.0F;
  for (LayerSpec& layer : spec.layers) {
    layer.attention.score_cap = 4.0F;
    layer.attention.scale = 0.5F;
    layer.attention.rotary->dimensions = 4;
  }
  return spec;
}

// Layers of different sizes, the last of which attends to the keys of the first; two kinds of positions.
inline DecoderSpec with_shared_keys(DecoderSpec spec) {
  spec.norm.added = 1.0F;
  spec.query_key_norm = QueryKeyNorm::whole;
  spec.activation = Activation::gelu_tanh;
  LayerSpec layer = spec.layers.front();
  layer.attention.rotary->base = 500.0F;
  layer.attention.window = 40;
  layer.attention.kv_heads = 1;
  layer.ffn_width += 7;
  spec.layers[1] = layer;
  spec.layers[1].kv_layer = 1;
  spec.layers.push_back(spec.layers.front());
  return spec;
}

// Experts behind a clamped gate in every layer, and a window in every second one.
inline DecoderSpec with_clamped_experts(DecoderSpec spec) {
  spec.activation = Activation::clamped_swish;
  spec.layers.front().attention.window = 19;
  spec.experts = {
      .count = 5, .used = 3, .width = 22, .scoring = RouterScoring::softmax_chosen, .layers = {true, true}};
  return spec;
}

// Gemma 3n's streams over layers of which one keeps few gates and one has no keys of its own.
inline DecoderSpec with_streams(DecoderSpec spec) {
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.value_norm = true;
  spec.activation = Activation::gelu_tanh;
  spec.layers[0].gate_deviations = 0.7F;
  spec.layers[1].attention.window = 21;
  spec.layers.push_back(spec.layers.front());
  spec.layers.back().gate_deviations.reset();
  return spec;
}

// Gemma 4's: experts beside a feed-forward, layers that are scaled.
inline DecoderSpec with_experts_beside(DecoderSpec spec) {
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.value_norm = true;
  spec.activation = Activation::gelu_tanh;
  spec.layers[0].output_scale = 0.6F;
  spec.layers[1].attention.window = 33;
  spec.experts = {
      .count = 5, .used = 2, .width = 22, .normalised = true, .layers = {true, false}, .beside_dense = true};
  return spec;
}

// States in two layers of three, with more value heads than key heads, and gates of what attention gives.
inline DecoderSpec with_states(DecoderSpec spec, DeltaSpec delta) {
  LayerSpec recurrent = spec.layers.front();
  recurrent.attention = {};
  recurrent.delta = delta;
  LayerSpec attending = spec.layers.front();
  attending.attention.gated = true;
  attending.attention.rotary->dimensions = 4;
  spec.layers.clear();
  add_layers(spec, 1, recurrent);
  add_layers(spec, 1, attending);
  recurrent.delta->tiled = true;
  recurrent.delta->log_rates = true;
  add_layers(spec, 1, recurrent);
  spec.layers[0].kv_layer = kNoKeys;
  spec.layers[2].kv_layer = kNoKeys;
  spec.norm.added = 1.0F;
  spec.query_key_norm = QueryKeyNorm::heads;
  return spec;
}

// Residual streams, n-grams before a layer with states, and attention to chosen blocks, of which one is as
// long as no page's part.
inline DecoderSpec with_chosen_keys(DecoderSpec spec, DeltaSpec delta) {
  spec = with_states(std::move(spec), delta);
  spec.layers[0].delta->sigmoid_gate = true;
  spec.layers[0].convolution = ConvolutionSpec{.channels = 3 * spec.width, .taps = 3, .dilation = 3};
  spec.layers[1].attention.index = IndexSpec{.heads = 5, .head_size = 6, .block = 7, .chosen = 3};
  spec.layers.push_back(spec.layers[1]);
  spec.layers[3].kv_layer = 3;
  spec.layers[3].attention.index = IndexSpec{.heads = 2, .head_size = 12, .block = 16, .chosen = 2};
  spec.earlier_tokens = 2;
  return spec;
}

struct Shape {
  DecoderSpec spec;
  RandomExtras extras = {};
};

// Shapes that fill nothing evenly, one that the tile kernels take, and a mixture of experts; of quantised
// weights, what whole blocks allow of that.
inline const std::vector<Shape>& shapes(TensorType weights) {
  static const RandomExtras kBiasedExperts = {.sinks = true, .mixture_biases = {.router_and_experts = true}};
  static const std::vector<Shape> plain = {
      {small_spec(6, 2, 20, 44, 75)},
      {with_layer_norms(small_spec(3, 1, 7, 33, 40)), {.sinks = true, .head_bias = true}},
      {small_spec(4, 2, 32, 64, 96)},
      {with_experts(small_spec(6, 3, 8, 40, 50), 26, 35)},
      {with_everything(small_spec(4, 2, 10, 36, 42))},
      {with_shared_keys(small_spec(4, 2, 12, 30, 38)), {.post_norms = true}},
      {with_clamped_experts(small_spec(4, 1, 14, 28, 30)), kBiasedExperts},
      {with_streams(small_spec(4, 2, 10, 28, 35)),
       {.post_norms = true, .extension = RandomExtension::gemma3n}},
      {with_experts_beside(small_spec(3, 1, 12, 26, 31)),
       {.post_norms = true, .extension = RandomExtension::gemma4}},
      {with_states(
          small_spec(3, 1, 10, 34, 39),
          {.key_heads = 2, .value_heads = 6, .key_size = 13, .value_size = 19, .taps = 4, .epsilon = 1e-5F})},
      {with_chosen_keys(
           small_spec(4, 2, 10, 34, 39),
           {.key_heads = 2, .value_heads = 4, .key_size = 7, .value_size = 10, .taps = 4, .epsilon = 1e-5F}),
       {.extension = RandomExtension::qwen4}}};
  static const std::vector<Shape> blocks_of_32 = {
      {small_spec(3, 1, 32, 96, 160)},
      {with_experts(small_spec(4, 2, 32, 64, 96), 32, 64), kBiasedExperts},
      {with_states(small_spec(3, 1, 32, 64, 96), {.key_heads = 1,
                                                  .value_heads = 2,
                                                  .key_size = 16,
                                                  .value_size = 32,
                                                  .taps = 2,
                                                  .epsilon = 1e-5F})}};
  static const std::vector<Shape> blocks_of_256 = {{small_spec(4, 2, 64, 256, 256)}};
  const int elements = block_format(weights).block_elements;
  return elements == 1 ? plain : elements == 32 ? blocks_of_32 : blocks_of_256;
}

}  // namespace sizeup
