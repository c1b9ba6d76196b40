// Llama and what shares its structure: RMS norm, rotary positions, grouped-query attention, gated SiLU.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_llama(const Checkpoint& checkpoint);

}  // namespace sizeup
