#include "backends/engine/architectures/gpt2.h"

#include "backends/engine/architectures/decoder_reader.h"

namespace sizeup {
namespace {

DecoderSpec read_hugging_face(ConfigReader& config) {
  DecoderSpec spec;
  spec.width = config.count("n_embd", 768);
  spec.context_length = config.count("n_positions", 1024);
  config.find("n_ctx");  // the same in older files
  LayerSpec layer;
  layer.ffn_width = config.count("n_inner", 4 * spec.width);
  layer.attention.heads = layer.attention.kv_heads = config.count("n_head", 12);
  layer.attention.head_size = std::max(1, spec.width / layer.attention.heads);
  if (!config.flag("scale_attn_weights", true)) layer.attention.scale = 1.0F;
  spec.layers = equal_layers(read_layer_count(config, "n_layer"), layer);
  if (config.flag("scale_attn_by_inverse_layer_idx", false)) {
    for (int i = 0; i < spec.layer_count(); ++i) {
      AttentionSpec& attention = spec.layers[static_cast<size_t>(i)].attention;
      attention.scale = attention.score_scale() / static_cast<float>(i + 1);
    }
  }
  spec.norm = {.kind = NormKind::layer, .epsilon = config.positive("layer_norm_epsilon", 1e-5F)};
  spec.vocabulary = config.count("vocab_size", 50257);
  spec.tied_head = config.flag("tie_word_embeddings", true);
  spec.activation = read_activation(config, "activation_function", Activation::gelu_tanh);
  return spec;
}

DecoderSpec read_gguf(ConfigReader& config, const Checkpoint& checkpoint) {
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "gpt2", RotaryLayout::half_split, NormKind::layer);
  for (LayerSpec& layer : spec.layers) layer.attention.rotary.reset();
  spec.activation = Activation::gelu_tanh;
  return spec;
}

DecoderNames gguf_names() {
  DecoderNames names = kGgufNames;
  names.positions = "position_embd";
  return names;
}

// Published files hold the model alone, without the prefix that it has beside a head.
DecoderNames hugging_face_names(const Checkpoint& checkpoint) {
  return {.root = checkpoint.find("wte.weight") != nullptr ? "" : "transformer.",
          .embedding = "wte",
          .positions = "wpe",
          .final_norm = "ln_f",
          .head = "lm_head",
          .layer = "h.",
          .attention_norm = "ln_1",
          .query_key_value = "attn.c_attn",
          .output = "attn.c_proj",
          .ffn_norm = "ln_2",
          .up = "mlp.c_fc",
          .down = "mlp.c_proj",
          .transposed = true};
}

}  // namespace

Result<DecoderModel> describe_gpt2(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf(config, checkpoint) : read_hugging_face(config);
  spec.learned_positions = true;
  spec.gated = false;
  DecoderNames names = gguf ? gguf_names() : hugging_face_names(checkpoint);
  names.biases = true;
  return find_decoder("gpt2", checkpoint, config, std::move(spec), names);
}

}  // namespace sizeup
