// OLMo 2: Llama with norms of the results of attention and feed-forward instead of their inputs, and norms of
// all of query and key.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_olmo2(const Checkpoint& checkpoint);

}  // namespace sizeup
