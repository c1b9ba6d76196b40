// GPT-2: layer norms with biases, learned positions, a feed-forward without a gate. Matrices of its folders
// are {inputs, outputs}.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gpt2(const Checkpoint& checkpoint);

}  // namespace sizeup
