// A Hugging Face folder as a Checkpoint.
#pragma once

#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

Result<std::unique_ptr<Checkpoint>> open_safetensors(const std::filesystem::path& folder);

// The folder's configuration, tokenizer and template; its weights are neither read nor missed.
Result<std::unique_ptr<Checkpoint>> open_safetensors_text(const std::filesystem::path& folder);

// The weight files that a model.safetensors.index.json names, sorted. Each must be a plain name: the index
// cannot point elsewhere.
Result<std::vector<std::string>> indexed_weight_files(const std::filesystem::path& path);

}  // namespace sizeup
