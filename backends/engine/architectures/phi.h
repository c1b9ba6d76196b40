// Phi-1, Phi-1.5 and Phi-2: attention and feed-forward read the same layer norm, a part of each head is
// rotated, and all matrices, the head too, have biases.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_phi(const Checkpoint& checkpoint);

}  // namespace sizeup
