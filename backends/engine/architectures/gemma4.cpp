#include "backends/engine/architectures/gemma4.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/decoder_tensors.h"
#include "backends/engine/architectures/expert_tensors.h"
#include "backends/engine/architectures/gemma_layers.h"
#include "backends/engine/architectures/tensor_finder.h"
#include "backends/engine/architectures/window_reader.h"
#include "backends/engine/extensions/gemma4.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr WindowRule kWindows{.full_every = 6, .unsaid = 512};

constexpr ExpertNames kExperts{.router = "router.proj.weight",
                               .stacked_gate_up = "experts.gate_up_proj",
                               .stacked_down = "experts.down_proj"};

constexpr ExpertNames kGgufGemmaExperts{.router = "ffn_gate_inp.weight",
                                        .stacked_gate = "ffn_gate_exps.weight",
                                        .stacked_up = "ffn_up_exps.weight",
                                        .stacked_gate_up = "ffn_gate_up_exps.weight",
                                        .stacked_down = "ffn_down_exps.weight"};

// What the configuration says of the layers' embeddings.
struct EmbeddingKeys {
  int columns = 0;     // 0: there are none
  int table_rows = 0;  // 0: the file does not say it
};

constexpr EmbeddingKeys kUnsaid{.columns = 256, .table_rows = 262144};
// The models that have images and sound as tokens have no embeddings of layers.
constexpr EmbeddingKeys kUnsaidUnified{.columns = 0, .table_rows = 1};

// Layers without a window have heads of their own, as "global_..." keys say it or "per_layer_config" does for
// each of them.
void read_heads(ConfigReader& config, const std::vector<bool>& sliding, bool keys_are_values,
                DecoderSpec& spec) {
  const Json* layers = config.find("per_layer_config");
  const int global_size = config.count("global_head_dim", 512);
  const int usual = spec.attention(0).kv_heads;
  const int global_heads = config.count("num_global_key_value_heads", usual);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    AttentionSpec& attention = spec.layers[i].attention;
    if (layers == nullptr) {
      if (sliding[i]) continue;
      attention.head_size = global_size;
      if (keys_are_values) attention.kv_heads = global_heads;
      continue;
    }
    const auto own = layers->find(std::to_string(i));
    if (own == layers->end()) continue;
    ConfigReader layer(*own, config.place());
    attention.head_size = layer.count("head_dim", attention.head_size);
    attention.kv_heads = layer.count("num_key_value_heads", attention.kv_heads);
    layer.refuse_unread("", {});
    if (layer.error()) config.fail(*layer.error());
  }
}

// The size of heads of a kind of layers; that of the first layer where there are none.
int head_size_of(ConfigReader& config, const DecoderSpec& spec, const std::vector<bool>& sliding,
                 bool wanted) {
  int size = 0;
  for (size_t i = 0; i < sliding.size(); ++i) {
    if (sliding[i] != wanted) continue;
    const int own = spec.layers[i].attention.head_size;
    if (size != 0 && size != own)
      config.fail(fmt::format("layers of one kind have heads of {} and {}", size, own), "one size");
    size = own;
  }
  return size == 0 ? spec.attention(0).head_size : size;
}

void add_experts(ConfigReader& config, std::string_view count, std::string_view used, std::string_view width,
                 DecoderSpec& spec) {
  spec.experts = {.count = config.count(count),
                  .used = config.count(used),
                  .width = config.count(width),
                  .scoring = RouterScoring::softmax,
                  .normalised = true,
                  .layers = std::vector<bool>(spec.layers.size(), true),
                  .beside_dense = true};
}

// `embeddings` holds what its class has where the configuration does not say it.
DecoderSpec read_spec(ConfigReader& config, EmbeddingKeys& embeddings) {
  DecoderSpec spec = read_hugging_face_spec(config, {.activation = "hidden_activation",
                                                     .unsaid_activation = Activation::gelu_tanh,
                                                     .rotary = std::nullopt,
                                                     .context_length = 131072,
                                                     .heads = 8,
                                                     .kv_heads = 4,
                                                     .head_size = 256,
                                                     .tied = true});
  const std::vector<bool> sliding = read_windows(config, kWindows, spec);
  if (config.error()) return spec;
  const bool keys_are_values = config.flag("attention_k_eq_v", false);
  read_heads(config, sliding, keys_are_values, spec);
  if (config.find("rope_parameters") == nullptr)
    config.fail("'rope_parameters' is missing from the configuration");
  const LayerRotaries rotaries = read_layer_rotaries(
      config, {.partial = true, .base = 1e6F, .head_size = head_size_of(config, spec, sliding, false)},
      {.head_size = head_size_of(config, spec, sliding, true)}, spec.context_length);
  rotate_layers(spec, sliding, rotaries);
  for (size_t i = 0; i < sliding.size(); ++i) spec.layers[i].values_are_keys = keys_are_values && !sliding[i];
  set_scales_and_norms(spec);
  const int shared = config.count_or_zero("num_kv_shared_layers", 0);
  share_keys(config, shared, sliding, spec);
  if (config.flag("use_double_wide_mlp", false)) {
    for (int i = std::max(0, spec.layer_count() - shared); i < spec.layer_count(); ++i)
      spec.layers[static_cast<size_t>(i)].ffn_width *= 2;
  }
  spec.logit_cap = read_cap(config, "final_logit_softcapping", 0.0F);
  if (config.text("use_bidirectional_attention", "vision") != "vision")  // of images alone
    config.fail("'use_bidirectional_attention' is of all tokens", "\"vision\" or null");
  embeddings = {.columns = config.count_or_zero("hidden_size_per_layer_input", embeddings.columns),
                .table_rows = config.count("vocab_size_per_layer_input", embeddings.table_rows)};
  if (config.flag("enable_moe_block", false)) {
    add_experts(config, "num_experts", "top_k_experts", "moe_intermediate_size", spec);
  } else {
    for (const std::string_view key : {"num_experts", "top_k_experts", "moe_intermediate_size"})
      config.find(key);
  }
  return spec;
}

DecoderSpec read_gguf(ConfigReader& config, const Checkpoint& checkpoint, EmbeddingKeys& embeddings) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gemma4", RotaryLayout::half_split);
  spec.activation = Activation::gelu_tanh;
  const std::vector<bool> sliding = read_gguf_windows(config, "gemma4", spec, kWindows);
  if (config.error()) return spec;
  const int size = config.count("gemma4.attention.key_length_swa", spec.attention(0).head_size);
  if (config.count("gemma4.attention.value_length_swa", size) != size)
    config.fail("values of another size than keys are not supported yet");
  const RotarySpec rotary{.dimensions = config.count("gemma4.rope.dimension_count_swa", size),
                          .base = config.positive("gemma4.rope.freq_base_swa", 10000.0F)};
  for (size_t i = 0; i < sliding.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    if (sliding[i]) {
      layer.attention.head_size = size;
      layer.attention.rotary = rotary;
    }
    layer.values_are_keys = checkpoint.find(fmt::format("blk.{}.attn_v.weight", i)) == nullptr;
  }
  set_scales_and_norms(spec);
  share_keys(config, config.count_or_zero("gemma4.attention.shared_kv_layers", 0), sliding, spec);
  spec.logit_cap = config.positive("gemma4.final_logit_softcapping", 0.0F);
  embeddings = {.columns = config.count_or_zero("gemma4.embedding_length_per_layer_input", 0)};
  if (config.find("gemma4.expert_count") != nullptr) {
    add_experts(config, "gemma4.expert_count", "gemma4.expert_used_count",
                "gemma4.expert_feed_forward_length", spec);
  }
  return spec;
}

Gemma4Tensors::MixtureBeside find_mixture_beside(TensorFinder& tensors, const DecoderSpec& spec, bool gguf,
                                                 const std::string& layer) {
  const auto vector = [&](std::string_view gguf_name, std::string_view name, int64_t columns) {
    return tensors.required(fmt::format("{}{}", layer, gguf ? gguf_name : name), {columns});
  };
  Gemma4Tensors::MixtureBeside found;
  found.mixture = find_mixture(tensors, spec, gguf ? kGgufGemmaExperts : kExperts, layer);
  found.mixture.expert_scale = vector("ffn_down_exps.scale", "router.per_expert_scale", spec.experts.count);
  found.router_scale = vector("ffn_gate_inp.scale", "router.scale", spec.width);
  found.norm.weight = vector("pre_ffw_norm_2.weight", "pre_feedforward_layernorm_2.weight", spec.width);
  found.dense_post_norm.weight =
      vector("post_ffw_norm_1.weight", "post_feedforward_layernorm_1.weight", spec.width);
  found.post_norm.weight =
      vector("post_ffw_norm_2.weight", "post_feedforward_layernorm_2.weight", spec.width);
  return found;
}

// The extension and the scales of layers.
void find_rest(const Checkpoint& checkpoint, std::string_view root, const EmbeddingKeys& embeddings,
               TensorFinder& tensors, DecoderModel& model) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  Gemma4Tensors found;
  for (int i = 0; i < model.spec.layer_count() && !tensors.hopeless(); ++i) {
    const std::string layer = gguf ? fmt::format("blk.{}.", i) : fmt::format("{}layers.{}.", root, i);
    const Tensor* scale =
        tensors.optional(layer + (gguf ? "layer_output_scale.weight" : "layer_scalar"), {1});
    if (scale != nullptr)
      dequantise_row(*scale, 0, std::span(&model.spec.layers[static_cast<size_t>(i)].output_scale, 1));
    auto& beside = found.mixtures.emplace_back();
    if (model.spec.experts.any()) beside = find_mixture_beside(tensors, model.spec, gguf, layer);
  }
  if (embeddings.columns > 0) {
    found.embeddings = find_layer_embeddings(tensors, checkpoint, model.spec, root, embeddings.columns,
                                             embeddings.table_rows);
    count_weights(*found.embeddings, model.spec);
  }
  if (found.embeddings || model.spec.experts.any())
    model.tensors.extension = std::make_unique<Gemma4Extension>(std::move(found));
}

Result<DecoderModel> find(const Checkpoint& checkpoint, ConfigReader& config, DecoderSpec spec,
                          const EmbeddingKeys& embeddings, std::string_view root) {
  const FindMore find_more = [&](TensorFinder& tensors, DecoderModel& model) {
    find_rest(checkpoint, root, embeddings, tensors, model);
  };
  return find_decoder("gemma4", checkpoint, config, std::move(spec), gemma_names(checkpoint, root), {},
                      find_more);
}

Result<DecoderModel> describe_text(const Checkpoint& checkpoint, EmbeddingKeys embeddings) {
  auto text =
      find_text_config(checkpoint, {"vision_config", "audio_config", "boi_token_id", "eoi_token_id",
                                    "image_token_id", "video_token_id", "boa_token_id", "eoa_token_id",
                                    "eoa_token_index", "audio_token_id", "vision_soft_tokens_per_image"});
  if (!text) return forward_error(text);
  ConfigReader config(*text->object, checkpoint.path().string());
  DecoderSpec spec = read_spec(config, embeddings);
  spec.tied_head = text->tied;
  return find(checkpoint, config, std::move(spec), embeddings, kTextRoot);
}

}  // namespace

Result<DecoderModel> describe_gemma4(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  EmbeddingKeys embeddings = kUnsaid;
  DecoderSpec spec = checkpoint.format() == CheckpointFormat::gguf ? read_gguf(config, checkpoint, embeddings)
                                                                   : read_spec(config, embeddings);
  return find(checkpoint, config, std::move(spec), embeddings, "model.");
}

Result<DecoderModel> describe_gemma4_multimodal(const Checkpoint& checkpoint) {
  return describe_text(checkpoint, kUnsaid);
}

Result<DecoderModel> describe_gemma4_unified(const Checkpoint& checkpoint) {
  return describe_text(checkpoint, kUnsaidUnified);
}

}  // namespace sizeup
