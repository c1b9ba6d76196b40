// Qwen's experimental fourth generation (qwen4_exp): Qwen3.5's mixtures of experts with several residual
// streams, embeddings of hashed n-grams, and attention to chosen blocks of keys (extensions/qwen4.h). A
// configuration with images has the text's inside.
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_qwen4(const Checkpoint& checkpoint);

}  // namespace sizeup
