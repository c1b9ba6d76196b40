// Qwen2 with experts (Qwen1.5-MoE, Qwen2-57B-A14B): biases of query, key and value, a shared expert behind a
// gate.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_qwen2_moe(const Checkpoint& checkpoint);

}  // namespace sizeup
