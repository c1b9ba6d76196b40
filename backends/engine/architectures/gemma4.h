// Gemma 4's text part: Gemma 3 with norms of values and a scale of each layer, heads of another size and
// number in layers without a window, where keys may be values, too, last layers that attend to keys of
// earlier ones, perhaps with wider feed-forwards, and what extensions/gemma4.h has.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_gemma4(const Checkpoint& checkpoint);
// The text part of a model that sees and hears, too.
Result<DecoderModel> describe_gemma4_multimodal(const Checkpoint& checkpoint);
Result<DecoderModel> describe_gemma4_unified(const Checkpoint& checkpoint);

}  // namespace sizeup
