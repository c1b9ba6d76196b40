#include "backends/engine/architectures/phi3.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {

Result<DecoderModel> describe_phi3(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "phi3", RotaryLayout::half_split)
                          : read_hugging_face_spec(config, {.rotary = RotaryRule{.partial = true}});
  if (gguf) {
    read_gguf_windows(config, "phi3", spec);
  } else {
    read_windows(config, {}, spec);
  }
  DecoderNames names = usual_names(checkpoint);
  names.query = names.key = names.value = {};
  names.query_key_value = gguf ? "attn_qkv" : "self_attn.qkv_proj";
  names.gate_up = gguf ? "ffn_up" : "mlp.gate_up_proj";
  return find_decoder("phi3", checkpoint, config, std::move(spec), names);
}

}  // namespace sizeup
