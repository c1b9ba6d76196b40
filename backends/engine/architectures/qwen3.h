// Qwen3 and its mixtures of experts.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_qwen3(const Checkpoint& checkpoint);
Result<DecoderModel> describe_qwen3_moe(const Checkpoint& checkpoint);

}  // namespace sizeup
