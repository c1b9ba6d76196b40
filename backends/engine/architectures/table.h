// The one table of architectures: who can be read, and by which file.
#pragma once

#include <span>
#include <string_view>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"
#include "core/errors/result.h"

namespace sizeup {

struct Architecture {
  std::string_view gguf_name;          // general.architecture; empty: GGUF has no name of its own for it
  std::string_view hugging_face_name;  // config.json, architectures[0]
  // Maps configuration and tensor names onto spec and tensors; every shape is checked.
  Result<DecoderModel> (*describe)(const Checkpoint& checkpoint);
};

std::span<const Architecture> architecture_table();

// The architecture that the checkpoint names; an unknown one is an error that lists those supported.
Result<DecoderModel> describe_decoder(const Checkpoint& checkpoint);

}  // namespace sizeup
