#include "backends/engine/architectures/gemma.h"

#include <fmt/format.h>

#include <cmath>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/harmless_keys.h"
#include "backends/engine/architectures/window_reader.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

// The largest of the second and the third scales scores by the width of a head as if heads had the model's
// width together; its GGUF files do not say so, and llama.cpp knows it by its depth.
constexpr int kLayersOfGemma2With27B = 46;
constexpr int kLayersOfGemma3With27B = 62;

float inverse_root(float x) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x)));
}

void scale_scores(DecoderSpec& spec, float divisor) {
  for (LayerSpec& layer : spec.layers) layer.attention.scale = inverse_root(divisor);
}

void scale_gguf_scores(DecoderSpec& spec, int deepest) {
  if (spec.layer_count() != deepest) return;
  scale_scores(spec, static_cast<float>(spec.width / spec.attention(0).heads));
}

// 0 where the configuration has null.
float read_cap(ConfigReader& config, std::string_view key, float unsaid) {
  return config.has(key) && config.find(key) == nullptr ? 0.0F : config.positive(key, unsaid);
}

void cap_scores(DecoderSpec& spec, float cap) {
  for (LayerSpec& layer : spec.layers) layer.attention.score_cap = cap;
}

// What all of them have.
void complete(const Checkpoint& checkpoint, DecoderSpec& spec) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  spec.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(spec.width)));
  spec.norm.added = gguf ? 0.0F : 1.0F;
  if (gguf) spec.activation = Activation::gelu_tanh;
}

// Of the second and the third.
DecoderNames with_post_norms(DecoderNames names, bool gguf) {
  names.attention_post_norm = gguf ? "post_attention_norm" : "post_attention_layernorm";
  names.ffn_norm = gguf ? "ffn_norm" : "pre_feedforward_layernorm";
  names.ffn_post_norm = gguf ? "post_ffw_norm" : "post_feedforward_layernorm";
  return names;
}

DecoderSpec read_gemma2(ConfigReader& config) {
  DecoderSpec spec = read_hugging_face_spec(config, {.activation = "hidden_activation",
                                                     .unsaid_activation = Activation::gelu_tanh,
                                                     .context_length = 8192,
                                                     .tied = true});
  config.find("hidden_act");           // older files have it, too
  config.find("sliding_window_size");  // the same
  read_windows(config, {.full_every = 2, .unsaid = 4096}, spec);
  scale_scores(spec, config.positive("query_pre_attn_scalar", 256.0F));
  cap_scores(spec, read_cap(config, "attn_logit_softcapping", 50.0F));
  spec.logit_cap = read_cap(config, "final_logit_softcapping", 30.0F);
  return spec;
}

DecoderSpec read_gguf_gemma2(ConfigReader& config, const Checkpoint& checkpoint) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gemma2", RotaryLayout::half_split);
  read_gguf_windows(config, "gemma2", spec, {.full_every = 2, .unsaid = 4096});
  scale_gguf_scores(spec, kLayersOfGemma2With27B);
  cap_scores(spec, config.positive("gemma2.attn_logit_softcapping", 50.0F));
  spec.logit_cap = config.positive("gemma2.final_logit_softcapping", 30.0F);
  return spec;
}

void rotate_layers(DecoderSpec& spec, const std::vector<bool>& sliding, const LayerRotaries& rotaries) {
  for (size_t i = 0; i < spec.layers.size(); ++i)
    spec.layers[i].attention.rotary = sliding[i] ? rotaries.sliding : rotaries.full;
}

// Published files say little more than in what a model differs from the smallest.
DecoderSpec read_gemma3(ConfigReader& config) {
  constexpr int kContext = 131072;
  DecoderSpec spec = read_hugging_face_spec(config, {.activation = "hidden_activation",
                                                     .unsaid_activation = Activation::gelu_tanh,
                                                     .rotary = std::nullopt,
                                                     .vocabulary = 262208,
                                                     .context_length = kContext,
                                                     .heads = 8,
                                                     .kv_heads = 4,
                                                     .head_size = 256,
                                                     .tied = true});
  const LayerRotaries rotaries =
      read_layer_rotaries(config, {.base = 1e6F}, {.base_key = "rope_local_base_freq"},
                          spec.attention(0).head_size, spec.context_length);
  config.find("_sliding_window_pattern");  // transformers 5 writes its default beside the true list
  const WindowRule windows{.full_every = config.count("sliding_window_pattern", 6), .unsaid = 4096};
  rotate_layers(spec, read_windows(config, windows, spec), rotaries);
  scale_scores(spec, config.positive("query_pre_attn_scalar", 256.0F));
  if (config.find("attn_logit_softcapping") != nullptr)
    config.fail("'attn_logit_softcapping' is not supported for Gemma 3", "null");
  spec.logit_cap = read_cap(config, "final_logit_softcapping", 0.0F);
  return spec;
}

DecoderSpec read_gguf_gemma3(ConfigReader& config, const Checkpoint& checkpoint) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gemma3", RotaryLayout::half_split);
  const RotarySpec full = spec.attention(0).rotary.value_or(RotarySpec());
  const RotarySpec sliding{.dimensions = full.dimensions,
                           .base = config.positive("gemma3.rope.freq_base_swa", 10000.0F)};
  rotate_layers(spec, read_gguf_windows(config, "gemma3", spec, {.full_every = 6}),
                {.full = full, .sliding = sliding});
  scale_gguf_scores(spec, kLayersOfGemma3With27B);
  spec.logit_cap = config.positive("gemma3.final_logit_softcapping", 0.0F);
  return spec;
}

Result<DecoderModel> find_gemma3(const Checkpoint& checkpoint, ConfigReader& config, DecoderSpec spec,
                                 DecoderNames names) {
  complete(checkpoint, spec);
  spec.query_key_norm = QueryKeyNorm::heads;
  return find_decoder("gemma3", checkpoint, config, std::move(spec),
                      with_post_norms(names, checkpoint.format() == CheckpointFormat::gguf));
}

}  // namespace

Result<DecoderModel> describe_gemma(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec =
      gguf ? read_gguf_spec(config, checkpoint, "gemma", RotaryLayout::half_split)
           : read_hugging_face_spec(
                 config, {.unsaid_activation = Activation::gelu_tanh, .context_length = 8192, .tied = true});
  spec.activation = read_activation(config, "hidden_activation", spec.activation);
  // The first files say "gelu" where they mean its tanh form.
  if (spec.activation == Activation::gelu) spec.activation = Activation::gelu_tanh;
  complete(checkpoint, spec);
  return find_decoder("gemma", checkpoint, config, std::move(spec));
}

Result<DecoderModel> describe_gemma2(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_gemma2(config, checkpoint) : read_gemma2(config);
  complete(checkpoint, spec);
  return find_decoder("gemma2", checkpoint, config, std::move(spec),
                      with_post_norms(usual_names(checkpoint), gguf));
}

Result<DecoderModel> describe_gemma3(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  DecoderSpec spec = gguf ? read_gguf_gemma3(config, checkpoint) : read_gemma3(config);
  return find_gemma3(checkpoint, config, std::move(spec), usual_names(checkpoint));
}

Result<DecoderModel> describe_gemma3_multimodal(const Checkpoint& checkpoint) {
  ConfigReader whole(checkpoint);
  const Json* text = whole.find("text_config");
  if (text == nullptr || !text->is_object())
    return bad_input(whole.place(), "'text_config' is missing from the configuration", "an object");
  for (const std::string_view key :
       {"vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index", "image_token_index"})
    whole.find(key);  // of images
  const bool tied = whole.flag("tie_word_embeddings", true);
  refuse_unknown_keys(whole, checkpoint);
  if (whole.error()) return tl::unexpected<Error>(*whole.error());
  ConfigReader config(*text, whole.place());
  DecoderSpec spec = read_gemma3(config);
  spec.tied_head = tied;
  // As transformers 4 and 5 name them.
  const bool older = checkpoint.find("language_model.model.embed_tokens.weight") != nullptr;
  DecoderNames names = kHuggingFaceNames;
  names.root = older ? "language_model.model." : "model.language_model.";
  if (older) names.head = "language_model.lm_head";
  return find_gemma3(checkpoint, config, std::move(spec), names);
}

}  // namespace sizeup
