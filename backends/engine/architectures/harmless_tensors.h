// Tensors that files have beside the weights of a text model and that change no result, in one table with the
// reason of each.
#pragma once

#include <optional>
#include <string_view>

#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

// Why a tensor of the checkpoint that no architecture file asks for changes no result of a decoder with so
// many layers; nothing if that is not known.
std::optional<std::string_view> why_harmless(const Tensor& tensor, const Checkpoint& checkpoint, int layers);

}  // namespace sizeup
