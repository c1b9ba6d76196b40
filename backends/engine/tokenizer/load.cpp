#include "backends/engine/tokenizer/loaders.h"

namespace sizeup {

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const Checkpoint& checkpoint) {
  switch (checkpoint.format()) {
    case CheckpointFormat::gguf:
      return load_gguf_tokenizer(checkpoint);
    case CheckpointFormat::safetensors:
      return load_huggingface_tokenizer(checkpoint);
  }
  throw InternalError("unknown CheckpointFormat");
}

}  // namespace sizeup
