// GPT-NeoX and Pythia: layer norms with biases, a part of each head rotated, attention and feed-forward
// beside each other or one after the other. Its folders hold query, key and value head by head.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gpt_neox(const Checkpoint& checkpoint);

}  // namespace sizeup
