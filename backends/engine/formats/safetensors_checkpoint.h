// A Hugging Face folder as a Checkpoint.
#pragma once

#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

Result<std::unique_ptr<Checkpoint>> open_safetensors(const std::filesystem::path& folder);

}  // namespace sizeup
