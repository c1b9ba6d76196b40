// Qwen2, Qwen2.5 and their Coder and Math models.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_qwen2(const Checkpoint& checkpoint);

}  // namespace sizeup
