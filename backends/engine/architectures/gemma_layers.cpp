#include "backends/engine/architectures/gemma_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backends/engine/architectures/harmless_keys.h"
#include "core/json/json.h"

namespace sizeup {

DecoderNames with_post_norms(DecoderNames names, bool gguf) {
  names.attention_post_norm = gguf ? "post_attention_norm" : "post_attention_layernorm";
  names.ffn_norm = gguf ? "ffn_norm" : "pre_feedforward_layernorm";
  names.ffn_post_norm = gguf ? "post_ffw_norm" : "post_feedforward_layernorm";
  return names;
}

DecoderNames gemma_names(const Checkpoint& checkpoint, std::string_view root) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  DecoderNames names = with_post_norms(usual_names(checkpoint), gguf);
  if (!gguf) names.root = root;
  return names;
}

float read_cap(ConfigReader& config, std::string_view key, float unsaid) {
  return config.has(key) && config.find(key) == nullptr ? 0.0F : config.positive(key, unsaid);
}

void rotate_layers(DecoderSpec& spec, const std::vector<bool>& sliding, const LayerRotaries& rotaries) {
  for (size_t i = 0; i < spec.layers.size(); ++i)
    spec.layers[i].attention.rotary = sliding[i] ? rotaries.sliding : rotaries.full;
}

void set_scales_and_norms(DecoderSpec& spec) {
  spec.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(spec.width)));
  spec.query_key_norm = QueryKeyNorm::heads;
  spec.value_norm = true;
  for (LayerSpec& layer : spec.layers) layer.attention.scale = 1.0F;
}

void share_keys(ConfigReader& config, int shared, const std::vector<bool>& sliding, DecoderSpec& spec) {
  const int own = spec.layer_count() - shared;
  for (int i = std::max(own, 0); i < spec.layer_count(); ++i) {
    int from = own - 1;
    while (from >= 0 && sliding[static_cast<size_t>(from)] != sliding[static_cast<size_t>(i)]) --from;
    if (from < 0) {
      config.fail(fmt::format("{} of {} layers have no keys of their own", shared, spec.layer_count()),
                  "a layer of each kind before them");
      return;
    }
    LayerSpec& layer = spec.layers[static_cast<size_t>(i)];
    if (!(layer.attention == spec.attention(from))) {
      config.fail(fmt::format("layer {} attends to the keys of layer {}, whose heads differ", i, from),
                  "layers of one kind with equal heads");
    }
    layer.kv_layer = from;
  }
}

Result<TextConfig> find_text_config(const Checkpoint& checkpoint,
                                    std::initializer_list<std::string_view> others) {
  ConfigReader whole(checkpoint);
  const Json* text = whole.find("text_config");
  if (text == nullptr || !text->is_object())
    return bad_input(whole.place(), "'text_config' is missing from the configuration", "an object");
  for (const std::string_view key : others) whole.find(key);
  const bool tied = whole.flag("tie_word_embeddings", true);
  refuse_unknown_keys(whole, checkpoint);
  if (whole.error()) return tl::unexpected<Error>(*whole.error());
  return TextConfig{.object = text, .tied = tied};
}

LayerEmbeddingTensors find_layer_embeddings(TensorFinder& tensors, const Checkpoint& checkpoint,
                                            const DecoderSpec& spec, std::string_view root, int columns,
                                            int rows) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  const int64_t all = int64_t{columns} * spec.layer_count();
  const auto whole = [&](std::string_view gguf_name, std::string_view name,
                         const std::vector<int64_t>& shape) {
    return tensors.required(
        gguf ? fmt::format("{}.weight", gguf_name) : fmt::format("{}{}.weight", root, name), shape);
  };
  LayerEmbeddingTensors found;
  found.columns = columns;
  if (rows == 0) {
    const Tensor* table = checkpoint.find("per_layer_token_embd.weight");
    rows = table == nullptr ? 1 : static_cast<int>(table->rows());
  }
  found.table = whole("per_layer_token_embd", "embed_tokens_per_layer", {rows, all});
  found.projection = whole("per_layer_model_proj", "per_layer_model_projection", {all, spec.width});
  found.norm.weight = whole("per_layer_proj_norm", "per_layer_projection_norm", {columns});
  for (int i = 0; i < spec.layer_count() && !tensors.hopeless(); ++i) {
    const auto of_layer = [&](std::string_view gguf_name, std::string_view name,
                              const std::vector<int64_t>& shape) {
      return tensors.required(gguf ? fmt::format("blk.{}.{}.weight", i, gguf_name)
                                   : fmt::format("{}layers.{}.{}.weight", root, i, name),
                              shape);
    };
    found.layers.push_back(
        {.gate = of_layer("inp_gate", "per_layer_input_gate", {columns, spec.width}),
         .projection = of_layer("proj", "per_layer_projection", {spec.width, columns}),
         .post_norm = {.weight = of_layer("post_norm", "post_per_layer_input_norm", {spec.width})}});
  }
  return found;
}

}  // namespace sizeup
