// One loader for each place that tokenizers come from.
#pragma once

#include <memory>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

// From tokenizer.ggml.* of a GGUF file's metadata.
Result<std::unique_ptr<Tokenizer>> load_gguf_tokenizer(const Checkpoint& checkpoint);

// From tokenizer.json and its companions in a folder.
Result<std::unique_ptr<Tokenizer>> load_huggingface_tokenizer(const Checkpoint& checkpoint);

}  // namespace sizeup
