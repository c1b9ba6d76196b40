#include "backends/engine/architectures/phi3.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {
namespace {

constexpr FusedNames kGgufFused{.query_key_value = "attn_qkv.weight", .gate_up = "ffn_up.weight"};
constexpr FusedNames kHuggingFaceFused{.query_key_value = "self_attn.qkv_proj.weight",
                                       .gate_up = "mlp.gate_up_proj.weight"};

}  // namespace

Result<DecoderModel> describe_phi3(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "phi3", RotaryLayout::half_split)
                          : read_hugging_face_spec(config, RotaryPart::partial);
  if (gguf) {
    read_gguf_windows(config, "phi3", spec);
  } else {
    read_windows(config, {}, spec);
  }
  return find_decoder("phi3", checkpoint, config, std::move(spec), {}, gguf ? kGgufFused : kHuggingFaceFused);
}

}  // namespace sizeup
