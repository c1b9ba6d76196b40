// A GGUF file as a Checkpoint.
#pragma once

#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

Result<std::unique_ptr<Checkpoint>> open_gguf(const std::filesystem::path& path);

}  // namespace sizeup
