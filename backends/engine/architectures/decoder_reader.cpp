#include "backends/engine/architectures/decoder_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/json/json.h"

namespace sizeup {
namespace {

// A model deeper than this is damage: the deepest published ones have about 130 layers.
constexpr int kMostLayers = 4096;

constexpr auto kActivations = std::to_array<std::pair<std::string_view, Activation>>({
    {"silu", Activation::silu},
    {"swish", Activation::silu},
    {"gelu", Activation::gelu},
    {"gelu_new", Activation::gelu_tanh},
    {"gelu_fast", Activation::gelu_tanh},
    {"gelu_pytorch_tanh", Activation::gelu_tanh},
});

int embedding_rows(const Checkpoint& checkpoint, std::string_view name) {
  const Tensor* embedding = checkpoint.find(name);
  const bool plausible = embedding != nullptr && embedding->shape.size() == 2 && embedding->shape[0] >= 1 &&
                         embedding->shape[0] <= ConfigReader::kLargest;
  return plausible ? static_cast<int>(embedding->shape[0]) : 1;
}

std::optional<int> unless_zero(int count) {
  return count == 0 ? std::nullopt : std::optional(count);
}

}  // namespace

Activation read_activation(ConfigReader& config, std::string_view key, Activation unsaid) {
  if (config.find(key) == nullptr) return unsaid;
  const std::string name = config.text(key, "");
  const auto found = std::ranges::find(kActivations, name, &std::pair<std::string_view, Activation>::first);
  if (found != kActivations.end()) return found->second;
  config.fail(fmt::format("activation '{}' is not supported yet", name), "silu, gelu or gelu_pytorch_tanh");
  return unsaid;
}

int read_layer_count(ConfigReader& config, std::string_view key) {
  const int layers = config.count(key);
  if (layers <= kMostLayers) return layers;
  config.fail(fmt::format("the model has {} layers", layers), fmt::format("at most {}", kMostLayers));
  return 1;
}

std::vector<LayerSpec> equal_layers(int count, const LayerSpec& layer) {
  std::vector<LayerSpec> layers(static_cast<size_t>(count), layer);
  for (int i = 0; i < count; ++i) layers[static_cast<size_t>(i)].kv_layer = i;
  return layers;
}

DecoderSpec read_gguf_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                           RotaryLayout layout, NormKind norm) {
  const auto key = [prefix](std::string_view name) { return fmt::format("{}.{}", prefix, name); };
  DecoderSpec spec;
  spec.width = config.count(key("embedding_length"));
  spec.context_length = config.count(key("context_length"));
  const int layers = read_layer_count(config, key("block_count"));
  LayerSpec layer;
  // Models whose feed-forwards are all of experts need not say it.
  layer.ffn_width = config.count(key("feed_forward_length"),
                                 config.has(key("expert_count")) ? std::optional(1) : std::nullopt);
  AttentionSpec& attention = layer.attention;
  attention.heads = config.count(key("attention.head_count"));
  attention.kv_heads = config.count(key("attention.head_count_kv"), attention.heads);
  attention.head_size = config.count(key("attention.key_length"), std::max(1, spec.width / attention.heads));
  if (config.count(key("attention.value_length"), attention.head_size) != attention.head_size) {
    config.fail("values of another size than keys are not supported yet",
                "equal key_length and value_length");
  }
  const bool layer_norm = norm == NormKind::layer;
  spec.norm = {.kind = norm,
               .epsilon = config.positive(
                   key(layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"))};
  spec.vocabulary = config.count(key("vocab_size"), embedding_rows(checkpoint, "token_embd.weight"));
  attention.rotary =
      read_gguf_rotary(config, checkpoint, prefix, layout, attention.head_size, spec.context_length);
  spec.tied_head = checkpoint.find("output.weight") == nullptr;
  spec.layers = equal_layers(layers, layer);
  return spec;
}

DecoderSpec read_hugging_face_spec(ConfigReader& config, const ConfigRule& rule) {
  DecoderSpec spec;
  spec.width = config.count("hidden_size");
  spec.context_length = config.count("max_position_embeddings", rule.context_length);
  const int layers = read_layer_count(config, "num_hidden_layers");
  LayerSpec layer;
  layer.ffn_width = config.count("intermediate_size", unless_zero(rule.ffn_width));
  AttentionSpec& attention = layer.attention;
  attention.heads = config.count("num_attention_heads", unless_zero(rule.heads));
  attention.kv_heads =
      config.count("num_key_value_heads", rule.kv_heads == 0 ? attention.heads : rule.kv_heads);
  const int even_size = std::max(1, spec.width / attention.heads);
  attention.head_size = config.count("head_dim", rule.head_size == 0 ? even_size : rule.head_size);
  spec.norm = {.kind = rule.norm, .epsilon = config.positive(rule.norm_epsilon, rule.epsilon)};
  spec.vocabulary = config.count("vocab_size", unless_zero(rule.vocabulary));
  if (rule.rotary)
    attention.rotary = read_rotary(config, *rule.rotary, attention.head_size, spec.context_length);
  spec.tied_head = config.flag("tie_word_embeddings", rule.tied);
  spec.activation = read_activation(config, rule.activation, rule.unsaid_activation);
  if (config.find("quantization_config") != nullptr)
    config.fail("'quantization_config' is not supported yet");
  spec.layers = equal_layers(layers, layer);
  return spec;
}

}  // namespace sizeup
