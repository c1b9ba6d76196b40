// gpt-oss: attention with a sink in each head and a window in every second layer, stretched positions, and a
// mixture of experts with biases and a clamped gate in every layer.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gpt_oss(const Checkpoint& checkpoint);

}  // namespace sizeup
