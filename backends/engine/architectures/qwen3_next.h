// Qwen3-Next and Qwen3.5: three gated delta rules to one attention whose result has a gate of its own.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_qwen3_next(const Checkpoint& checkpoint);
// Of folders the text model alone, or the text part of one that has images, too.
Result<DecoderModel> describe_qwen3_5(const Checkpoint& checkpoint);
Result<DecoderModel> describe_qwen3_5_moe(const Checkpoint& checkpoint);

}  // namespace sizeup
