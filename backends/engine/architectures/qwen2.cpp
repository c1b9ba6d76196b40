#include "backends/engine/architectures/qwen2.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/window_reader.h"

namespace sizeup {

Result<DecoderModel> describe_qwen2(const Checkpoint& checkpoint) {
  const bool gguf = checkpoint.format() == CheckpointFormat::gguf;
  ConfigReader config(checkpoint);
  DecoderSpec spec = gguf ? read_gguf_spec(config, checkpoint, "qwen2", RotaryLayout::half_split)
                          : read_hugging_face_spec(config);
  if (!gguf) read_windows(config, kQwenWindows, spec);
  spec.query_key_value_bias = true;
  return find_decoder("qwen2", checkpoint, config, std::move(spec));
}

}  // namespace sizeup
