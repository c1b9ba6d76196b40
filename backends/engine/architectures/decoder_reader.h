// What nearly all architectures have in common: the keys of their configuration, the names of their tensors.
// An architecture file reads a spec with these, changes what is its own, and finds the tensors.
#pragma once

#include <string_view>

#include "backends/engine/architectures/config_reader.h"
#include "backends/engine/architectures/expert_tensors.h"
#include "backends/engine/architectures/rotary_reader.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

// From the metadata "`prefix`.embedding_length" and so on.
DecoderSpec read_gguf_spec(ConfigReader& config, const Checkpoint& checkpoint, std::string_view prefix,
                           RotaryLayout layout);
// From config.json.
DecoderSpec read_hugging_face_spec(ConfigReader& config, RotaryPart part = RotaryPart::whole);

// Tensors that hold the rows of several, one after another, after a layer's prefix. Empty: single tensors.
struct FusedNames {
  std::string_view query_key_value = {}, gate_up = {};
};

// Every tensor of the spec by its usual name; `experts` names those of a spec that has experts. The first
// problem of the configuration, or else all of the tensors, are the error: what is missing, has another
// shape, or is there without being known.
Result<DecoderModel> find_decoder(std::string_view architecture, const Checkpoint& checkpoint,
                                  ConfigReader& config, DecoderSpec spec, const ExpertNames& experts = {},
                                  const FusedNames& fused = {});

}  // namespace sizeup
