// Mistral from a folder; its GGUF files are called llama.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_mistral(const Checkpoint& checkpoint);

}  // namespace sizeup
