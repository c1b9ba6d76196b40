#include "backends/engine/architectures/phi.h"

#include "backends/engine/architectures/decoder_reader.h"

namespace sizeup {
namespace {

constexpr ConfigRule kRule{.norm = NormKind::layer,
                           .norm_epsilon = "layer_norm_eps",
                           .epsilon = 1e-5F,
                           .unsaid_activation = Activation::gelu_tanh,
                           .rotary = RotaryRule{.partial = true, .part = 0.5F}};

DecoderNames names_of(const Checkpoint& checkpoint) {
  DecoderNames names = usual_names(checkpoint);
  names.ffn_norm = {};
  names.biases = names.head_bias = true;
  if (checkpoint.format() == CheckpointFormat::gguf) return names;
  names.final_norm = "final_layernorm";
  names.query_norm = "self_attn.q_layernorm";
  names.key_norm = "self_attn.k_layernorm";
  names.output = "self_attn.dense";
  names.up = "mlp.fc1";
  names.down = "mlp.fc2";
  return names;
}

}  // namespace

Result<DecoderModel> describe_phi(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec =
      gguf ? read_gguf_spec(config, checkpoint, "phi2", RotaryLayout::half_split, NormKind::layer)
           : read_hugging_face_spec(config, kRule);
  if (gguf) spec.activation = Activation::gelu_tanh;
  spec.gated = false;
  spec.parallel = true;
  if (config.flag("qk_layernorm", false)) spec.query_key_norm = QueryKeyNorm::heads;
  return find_decoder("phi2", checkpoint, config, std::move(spec), names_of(checkpoint));
}

}  // namespace sizeup
