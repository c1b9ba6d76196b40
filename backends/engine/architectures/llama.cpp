#include "backends/engine/architectures/llama.h"

#include "backends/engine/architectures/decoder_reader.h"
#include "backends/engine/architectures/mixtral.h"
#include "backends/engine/architectures/window_reader.h"
#include "core/json/json.h"

namespace sizeup {

Result<DecoderModel> describe_llama(const Checkpoint& checkpoint) {
  ConfigReader config(checkpoint);
  if (checkpoint.format() == CheckpointFormat::safetensors)
    return find_decoder("llama", checkpoint, config, read_hugging_face_spec(config));
  // GGUF has no name of its own for Llama with experts.
  const Json* experts = config.find("llama.expert_count");
  if (experts != nullptr && *experts != 0) return describe_mixtral(checkpoint);
  DecoderSpec spec = read_gguf_spec(config, checkpoint, "llama", RotaryLayout::interleaved);
  read_gguf_windows(config, "llama", spec);  // of Mistral
  return find_decoder("llama", checkpoint, config, std::move(spec));
}

}  // namespace sizeup
