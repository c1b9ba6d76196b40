// The skeleton of an architecture file (docs/add-a-model.md), for a model that does not exist: a Llama-like
// newcomer with a norm of each head's queries and keys.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// NewcomerForCausalLM, or a GGUF file of "newcomer".
Result<DecoderModel> describe_newcomer(const Checkpoint& checkpoint);

}  // namespace sizeup
