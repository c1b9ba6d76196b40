// DeepSeek-MoE, the first of its kind (16B): Llama whose later layers have fine-grained experts beside shared
// ones. https://arxiv.org/abs/2401.06066
#pragma once

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

Result<DecoderModel> describe_deepseek(const Checkpoint& checkpoint);

}  // namespace sizeup
