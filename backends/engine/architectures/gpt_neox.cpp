#include "backends/engine/architectures/gpt_neox.h"

#include "backends/engine/architectures/decoder_reader.h"

namespace sizeup {
namespace {

constexpr ConfigRule kRule{
    .norm = NormKind::layer,
    .norm_epsilon = "layer_norm_eps",
    .epsilon = 1e-5F,
    .unsaid_activation = Activation::gelu,
    .rotary =
        RotaryRule{.partial = true, .part = 0.25F, .part_key = "rotary_pct", .base_key = "rotary_emb_base"}};

constexpr DecoderNames kHuggingFace{.root = "gpt_neox.",
                                    .embedding = "embed_in",
                                    .final_norm = "final_layer_norm",
                                    .head = "embed_out",
                                    .layer = "layers.",
                                    .attention_norm = "input_layernorm",
                                    .query_key_value = "attention.query_key_value",
                                    .output = "attention.dense",
                                    .ffn_norm = "post_attention_layernorm",
                                    .up = "mlp.dense_h_to_4h",
                                    .down = "mlp.dense_4h_to_h",
                                    .fused = FusedRows::by_head};

}  // namespace

Result<DecoderModel> describe_gpt_neox(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec =
      gguf ? read_gguf_spec(config, checkpoint, "gptneox", RotaryLayout::half_split, NormKind::layer)
           : read_hugging_face_spec(config, kRule);
  // GGUF files do not say the activation: it is that of all published models.
  if (gguf) spec.activation = Activation::gelu;
  spec.gated = false;
  spec.parallel = config.flag(gguf ? "gptneox.use_parallel_residual" : "use_parallel_residual", true);
  DecoderNames names = gguf ? kGgufNames : kHuggingFace;
  names.biases = config.flag("attention_bias", true);
  return find_decoder("gptneox", checkpoint, config, std::move(spec), names);
}

}  // namespace sizeup
