#include "backends/engine/formats/checkpoint.h"

#include "backends/engine/formats/gguf_checkpoint.h"
#include "backends/engine/formats/safetensors_checkpoint.h"

namespace sizeup {

Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::filesystem::path& path) {
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return open_safetensors(path);
  if (path.extension() == ".safetensors") {
    return bad_input(path.string(), "a safetensors file alone has no configuration",
                     "the folder that holds it",
                     "pass the folder with config.json, tokenizer.json and the weights");
  }
  return open_gguf(path);
}

Result<std::unique_ptr<Checkpoint>> open_text_part(const std::filesystem::path& path) {
  std::error_code failure;
  return std::filesystem::is_directory(path, failure) ? open_safetensors_text(path) : open_checkpoint(path);
}

}  // namespace sizeup
