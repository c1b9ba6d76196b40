// Phi-3, Phi-3.5-mini and Phi-4.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_phi3(const Checkpoint& checkpoint);

}  // namespace sizeup
