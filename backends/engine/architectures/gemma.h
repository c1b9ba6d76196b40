// Gemma 1, 2 and 3: embeddings times the root of the width, norm weights stored as what they are more than 1,
// a tanh-gelu gate. The second has norms after attention and feed-forward, too, caps of scores and logits and
// a window in every other layer; the third has norms of heads, and other positions in layers with a window.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gemma(const Checkpoint& checkpoint);
Result<DecoderModel> describe_gemma2(const Checkpoint& checkpoint);
Result<DecoderModel> describe_gemma3(const Checkpoint& checkpoint);
// The text part of a model that sees images, too.
Result<DecoderModel> describe_gemma3_multimodal(const Checkpoint& checkpoint);

}  // namespace sizeup
