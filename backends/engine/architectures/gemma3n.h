// Gemma 3n's text part: Gemma 3 with norms of values, the last layers attending to keys of earlier ones, few
// gates that count in the first layers, and what extensions/gemma3n.h has.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gemma3n(const Checkpoint& checkpoint);
// The text part of a model that sees and hears, too.
Result<DecoderModel> describe_gemma3n_multimodal(const Checkpoint& checkpoint);

}  // namespace sizeup
