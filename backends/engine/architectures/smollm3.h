// SmolLM3.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_smollm3(const Checkpoint& checkpoint);

}  // namespace sizeup
