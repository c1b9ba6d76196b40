// Mixtral: Llama with experts instead of each feed-forward. Softmax over all experts, the weights of the
// chosen ones divided by their sum.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// MixtralForCausalLM, or a GGUF file of "llama" that has experts.
Result<DecoderModel> describe_mixtral(const Checkpoint& checkpoint);

}  // namespace sizeup
