// A small decoder with random weights, made in memory: for tests that need arithmetic but no model file.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <span>
#include <vector>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/extensions/gemma3n.h"
#include "backends/engine/extensions/gemma4.h"
#include "backends/engine/extensions/qwen4.h"
#include "backends/engine/formats/quantise.h"
#include "core/errors/result.h"
#include "tests/support/random_blocks.h"

namespace sizeup {

// What a mixture may have beside its matrices.
struct MixtureBiases {
  bool selection = false;
  bool router_and_experts = false;
};

enum class RandomExtension { none, gemma3n, gemma4, qwen4 };

// Tensors that a spec does not ask for: a decoder does what there are tensors for.
struct RandomExtras {
  bool post_norms = false;
  bool sinks = false;
  bool head_bias = false;
  MixtureBiases mixture_biases = {};
  RandomExtension extension = RandomExtension::none;
};

class RandomDecoder {
 public:
  // Weights are float32, bfloat16, or of a type that quantise_row writes and whose blocks divide the rows.
  // Their sizes make attention and feed-forward matter about equally.
  RandomDecoder(const DecoderSpec& spec, TensorType type, unsigned seed, const RandomExtras& extras = {})
      : type_(type), extras_(extras), random_(seed) {
    model_.architecture = "random";
    model_.spec = spec;
    DecoderTensors& tensors = model_.tensors;
    tensors.embedding = matrix(spec.vocabulary, spec.width, 0.3F);
    if (spec.learned_positions) tensors.positions = matrix(spec.context_length, spec.width, 0.3F);
    for (int i = 0; i < spec.layer_count(); ++i) tensors.layers.push_back(layer(spec, i));
    if (extras_.extension != RandomExtension::qwen4) tensors.final_norm = norm(spec.norm, spec.width);
    if (extras_.extension == RandomExtension::gemma3n) {
      tensors.extension = std::make_unique<Gemma3nExtension>(gemma3n(spec));
    } else if (extras_.extension == RandomExtension::gemma4) {
      tensors.extension = std::make_unique<Gemma4Extension>(gemma4(spec));
    } else if (extras_.extension == RandomExtension::qwen4) {
      tensors.extension = std::make_unique<Qwen4Extension>(qwen4(spec));
    }
    if (spec.tied_head) return;
    tensors.head = {.weight = matrix(spec.vocabulary, spec.width, 0.3F),
                    .bias = extras_.head_bias ? bias(spec.vocabulary) : nullptr};
  }
  RandomDecoder(const RandomDecoder&) = delete;
  RandomDecoder& operator=(const RandomDecoder&) = delete;

  const DecoderModel& model() const { return model_; }

  // A mixture of its own.
  MixtureTensors mixture(const ExpertSpec& spec, int width, MixtureBiases biases = {}) {
    const float in = 1.5F / std::sqrt(static_cast<float>(width));
    const auto expert = [&](int expert_width) {
      ExpertTensors made{.gate = *matrix(expert_width, width, in),
                         .up = *matrix(expert_width, width, in),
                         .down = *matrix(width, expert_width, in)};
      if (biases.router_and_experts) {
        made.biases = {
            .gate = *bias(expert_width, 0.5F), .up = *bias(expert_width, 0.5F), .down = *bias(width, 0.5F)};
      }
      return made;
    };
    MixtureTensors made;
    made.router = matrix(spec.count, width, in);
    if (biases.selection) made.selection_bias = bias(spec.count);
    if (biases.router_and_experts) made.router_bias = bias(spec.count, 0.5F);
    for (int e = 0; e < spec.count; ++e) made.experts.push_back(expert(spec.width));
    if (spec.shared_width > 0) made.shared = expert(spec.shared_width);
    if (spec.shared_gated) made.shared_gate = *matrix(1, width, in);
    return made;
  }

 private:
  LayerTensors layer(const DecoderSpec& spec, int index) {
    LayerTensors made;
    if (extras_.extension != RandomExtension::qwen4) made.attention_norm = norm(spec.norm, spec.width);
    if (spec.layer(index).delta) {
      add_delta(spec, *spec.layer(index).delta, made);
    } else {
      add_attention(spec, index, made);
    }
    add_feed_forward(spec, index, made);
    return made;
  }

  // Gates that keep between little and nearly all of a state.
  void add_delta(const DecoderSpec& spec, const DeltaSpec& delta, LayerTensors& made) {
    const float in = weight_scale(spec);
    DeltaTensors& tensors = made.delta.emplace();
    tensors.input = {{.weight = matrix(delta.channels(), spec.width, in), .bias = nullptr},
                     {.weight = matrix(delta.value_width(), spec.width, in), .bias = nullptr}};
    tensors.gates = {{.weight = matrix(2 * delta.value_heads, spec.width, in), .bias = nullptr}};
    tensors.convolution = tensor({delta.channels(), delta.taps}, 0.0F, 0.5F, TensorType::f32);
    tensors.rates = tensor({delta.value_heads}, -1.5F, 1.0F, TensorType::f32);
    tensors.biases = tensor({delta.value_heads}, -1.0F, 1.0F, TensorType::f32);
    tensors.norm = tensor({delta.value_size}, 1.0F, 0.2F, TensorType::f32);
    made.output = {.weight = matrix(spec.width, delta.value_width(), in), .bias = nullptr};
  }

  void add_attention(const DecoderSpec& spec, int index, LayerTensors& made) {
    const AttentionSpec& attention = spec.attention(index);
    const int kv_width = attention.kv_width();
    const float in = weight_scale(spec);
    made.query_key_value = {
        {.weight = matrix(attention.query_width(), spec.width, in), .bias = bias(attention.query_width())}};
    if (spec.owns_keys(index)) {
      made.query_key_value.push_back({.weight = matrix(kv_width, spec.width, in), .bias = nullptr});
      made.query_key_value.push_back({.weight = matrix(kv_width, spec.width, in), .bias = bias(kv_width)});
    }
    if (attention.gated)
      made.query_key_value.push_back(
          {.weight = matrix(attention.query_width(), spec.width, in), .bias = nullptr});
    if (spec.query_key_norm != QueryKeyNorm::none) {
      const bool heads = spec.query_key_norm == QueryKeyNorm::heads;
      made.query_norm = norm(spec.norm, heads ? attention.head_size : attention.query_width());
      if (spec.owns_keys(index)) made.key_norm = norm(spec.norm, heads ? attention.head_size : kv_width);
    }
    made.output = {.weight = matrix(spec.width, attention.query_width(), in), .bias = nullptr};
    if (extras_.sinks) made.sinks = tensor({attention.heads}, 0.0F, 1.0F, TensorType::f32);
  }

  void add_feed_forward(const DecoderSpec& spec, int index, LayerTensors& made) {
    const int ffn_width = spec.layer(index).ffn_width;
    const float in = weight_scale(spec);
    if (extras_.extension != RandomExtension::qwen4) made.ffn_norm = norm(spec.norm, spec.width);
    if (extras_.post_norms && (!spec.experts.in_layer(index) || spec.experts.beside_dense)) {
      made.attention_post_norm = norm(spec.norm, spec.width);
      made.ffn_post_norm = norm(spec.norm, spec.width);
    }
    if (spec.experts.in_layer(index) && !spec.experts.beside_dense) {
      made.mixture = mixture(spec.experts, spec.width, extras_.mixture_biases);
      return;
    }
    if (spec.gated) made.gate = {.weight = matrix(ffn_width, spec.width, in), .bias = nullptr};
    made.up = {.weight = matrix(ffn_width, spec.width, in), .bias = nullptr};
    made.down = {.weight = matrix(spec.width, ffn_width, in), .bias = bias(spec.width)};
  }

  static float weight_scale(const DecoderSpec& spec) {
    return 1.5F / std::sqrt(static_cast<float>(spec.width));
  }

  // The table lacks the last token.
  LayerEmbeddingTensors embeddings(const DecoderSpec& spec) {
    constexpr int kColumns = 6;
    const float in = 1.5F / std::sqrt(static_cast<float>(spec.width));
    const int all = spec.layer_count() * kColumns;
    LayerEmbeddingTensors made;
    made.columns = kColumns;
    made.table = plain(spec.vocabulary - 1, all, 0.3F);
    made.projection = plain(all, spec.width, in);
    made.norm = norm(spec.norm, kColumns);
    for (int i = 0; i < spec.layer_count(); ++i) {
      made.layers.push_back({.gate = plain(kColumns, spec.width, in),
                             .projection = plain(spec.width, kColumns, 0.5F),
                             .post_norm = norm(spec.norm, spec.width)});
    }
    return made;
  }

  Gemma3nTensors gemma3n(const DecoderSpec& spec) {
    const float in = 1.5F / std::sqrt(static_cast<float>(spec.width));
    Gemma3nTensors made{.streams = 3, .active = 1, .rank = 5};
    for (int i = 1; i < made.streams; ++i) {
      made.projections.push_back(plain(spec.width, spec.width, in));
      made.unprojections.push_back(plain(spec.width, spec.width, in));
    }
    for (int i = 0; i < spec.layer_count(); ++i) {
      made.layers.push_back(
          {.attention_norm = *model_.tensors.layers[static_cast<size_t>(i)].attention_norm,
           .router_norm = norm(spec.norm, spec.width),
           .router = plain(made.streams, spec.width, 0.3F * in * static_cast<float>(spec.width)),
           .prediction = plain(made.streams * made.streams, made.streams, 0.15F),
           .correction = plain(made.streams, made.streams, 0.15F),
           .output_scale = tensor({spec.width}, 1.0F, 0.2F, TensorType::f32),
           .left = plain(made.rank, spec.width, in),
           .right = plain(spec.width, made.rank, 0.5F),
           .augmented_norm = norm(spec.norm, spec.width)});
    }
    made.embeddings = embeddings(spec);
    return made;
  }

  Gemma4Tensors gemma4(const DecoderSpec& spec) {
    Gemma4Tensors made;
    for (int i = 0; i < spec.layer_count(); ++i) {
      auto& beside = made.mixtures.emplace_back();
      if (!spec.experts.in_layer(i)) continue;
      beside.emplace();
      beside->mixture = mixture(spec.experts, spec.width);
      beside->mixture.expert_scale = tensor({spec.experts.count}, 1.0F, 0.2F, TensorType::f32);
      beside->router_scale = tensor({spec.width}, 6.0F, 1.0F, TensorType::f32);
      for (NormTensors* one : {&beside->norm, &beside->dense_post_norm, &beside->post_norm})
        *one = norm(spec.norm, spec.width);
    }
    made.embeddings = embeddings(spec);
    return made;
  }

  // N-grams of as many tokens as the spec knows earlier ones, and one more, before layers with a convolution.
  Qwen4Tensors qwen4(const DecoderSpec& spec) {
    const int streams = 3;
    Qwen4Tensors made{.streams = streams, .rank = 7};
    const std::vector<NgramHash> hashes = make_ngram_hashes({.vocabulary = spec.vocabulary,
                                                             .separator = 4,
                                                             .length = spec.earlier_tokens + 1,
                                                             .heads = 2,
                                                             .least_size = 30,
                                                             .seed = 9},
                                                            spec.layer_count());
    for (int i = 0; i < spec.layer_count(); ++i) {
      Qwen4Tensors::Layer& layer = made.layers.emplace_back();
      layer.attention = mixer(spec, streams, made.rank, true);
      layer.feed_forward = mixer(spec, streams, made.rank, true);
      if (const auto& index = spec.attention(i).index) {
        layer.index = {.projection = plain(index->columns(), spec.width, weight_scale(spec)),
                       .query_norm = norm(spec.norm, index->head_size),
                       .key_norm = norm(spec.norm, index->head_size)};
      }
      if (const auto& convolution = spec.layer(i).convolution)
        layer.ngrams = ngrams(spec, streams, hashes[static_cast<size_t>(i)], *convolution);
    }
    made.last = mixer(spec, streams, made.rank, false);
    return made;
  }

  std::vector<NormTensors> stream_norms(const DecoderSpec& spec, int streams) {
    std::vector<NormTensors> made;
    for (int i = 0; i < streams; ++i) made.push_back(norm(spec.norm, spec.width));
    return made;
  }

  Qwen4Tensors::Mixer mixer(const DecoderSpec& spec, int streams, int rank, bool injects) {
    const int columns = streams * spec.width;
    const float in = 2.0F / std::sqrt(static_cast<float>(columns));
    return {.norms = stream_norms(spec, streams),
            .down = plain(rank, columns, static_cast<float>(streams) * in),
            .up = plain(columns, rank, 0.5F),
            .injection = injects ? plain(streams, columns, in) : nullptr};
  }

  // The table in two parts.
  NgramEmbeddingTensors ngrams(const DecoderSpec& spec, int streams, const NgramHash& hash,
                               const ConvolutionSpec& convolution) {
    constexpr int kColumns = 5;  // of a head
    const int columns = hash.columns() * kColumns;
    const int rows = static_cast<int>(hash.rows());
    const float in = 1.5F / std::sqrt(static_cast<float>(columns));
    NgramEmbeddingTensors made;
    made.hash = hash;
    made.table = {plain(rows / 3, kColumns, 1.0F), plain(rows - rows / 3, kColumns, 1.0F)};
    made.key = plain(streams * spec.width, columns, in);
    made.value = plain(spec.width, columns, in);
    made.key_norms = stream_norms(spec, streams);
    made.query_norms = stream_norms(spec, streams);
    made.convolution_norms = stream_norms(spec, streams);
    made.convolution_spec = convolution;
    made.convolution = tensor({convolution.channels, convolution.taps}, 0.0F, 0.5F, TensorType::f32);
    return made;
  }

  // Layer norms with their biases.
  NormTensors norm(const NormSpec& spec, int columns) {
    return {.weight = tensor({columns}, 1.0F - spec.added, 0.2F, TensorType::f32),
            .bias = spec.kind == NormKind::layer ? bias(columns) : nullptr};
  }
  const Tensor* matrix(int rows, int columns, float scale) {
    return tensor({rows, columns}, 0.0F, scale, type_);
  }
  const Tensor* bias(int columns, float scale = 0.1F) {
    return tensor({columns}, 0.0F, scale, TensorType::f32);
  }
  // Of weights that are no quantised blocks.
  const Tensor* plain(int rows, int columns, float scale) {
    const bool blocks = block_format(type_).block_elements > 1;
    return tensor({rows, columns}, 0.0F, scale, blocks ? TensorType::f32 : type_);
  }

  const Tensor* tensor(std::vector<int64_t> shape, float mean, float scale, TensorType type) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    std::normal_distribution<float> normal(mean, scale);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = normal(random_);
    std::vector<std::byte>& bytes = bytes_.emplace_back(static_cast<size_t>(row_bytes(type, count)));
    if (type == TensorType::f32) {
      std::ranges::copy(std::as_bytes(std::span(values)), bytes.begin());
    } else if (std::ranges::count(quantised_types(), type) > 0) {
      require(quantise_row(type, values, bytes), "random weights are small");
    } else {
      fill_with_blocks(block_format(type), scale, bytes);
    }
    Tensor& made = tensors_.emplace_back();
    made.type = type;
    made.shape = std::move(shape);
    made.data = bytes;
    return &made;
  }

  // Of formats that nobody writes here: weights of the right size. Few random bytes are, so blocks are drawn
  // from some.
  void fill_with_blocks(const BlockFormat& format, float scale, std::span<std::byte> bytes) {
    constexpr size_t kDifferent = 64;
    const auto size = static_cast<size_t>(format.block_bytes);
    std::vector<std::byte> blocks(kDifferent * size);
    for (size_t i = 0; i < kDifferent; ++i) {
      draw_block(format, std::span(blocks).subspan(i * size, size), random_,
                 [scale](float largest) { return largest > scale && largest < 2.0F * scale; });
    }
    for (size_t at = 0; at < bytes.size(); at += size) {
      std::ranges::copy(std::span(blocks).subspan(random_() % kDifferent * size, size),
                        bytes.subspan(at, size).begin());
    }
  }

  TensorType type_;
  RandomExtras extras_;
  std::mt19937 random_;
  DecoderModel model_;
  std::deque<std::vector<std::byte>> bytes_;
  std::deque<Tensor> tensors_;
};

}  // namespace sizeup
