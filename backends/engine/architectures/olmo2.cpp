#include "backends/engine/architectures/olmo2.h"

#include "backends/engine/architectures/decoder_reader.h"

namespace sizeup {

Result<DecoderModel> describe_olmo2(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "olmo2", RotaryLayout::half_split)
                          : read_hugging_face_spec(config, {.epsilon = 1e-5F});
  spec.query_key_norm = QueryKeyNorm::whole;
  DecoderNames names = usual_names(checkpoint);
  names.attention_norm = names.ffn_norm = {};
  names.attention_post_norm = gguf ? "post_attention_norm" : "post_attention_layernorm";
  names.ffn_post_norm = gguf ? "post_ffw_norm" : "post_feedforward_layernorm";
  return find_decoder("olmo2", checkpoint, config, std::move(spec), names);
}

}  // namespace sizeup
