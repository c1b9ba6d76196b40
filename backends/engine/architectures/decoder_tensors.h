// The tensors of a decoder's spec, found by their names with their shapes checked.
#pragma once

#include <string_view>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/decoder_names.h"
#include "backends/engine/architectures/expert_tensors.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// Every tensor of the spec; `experts` names those of a spec that has experts. The first problem of the
// configuration, its unread keys included, or else all of the tensors, are the error: what is missing, has
// another shape, or is there without being known.
Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec spec, const DecoderNames& names,
                                  const ExpertNames& experts = {});
// The same with the usual names.
Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec spec, const ExpertNames& experts = {});

}  // namespace sizeup
