// safetensors: a length, a JSON header, the tensors' bytes. https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backends/engine/formats/tensor.h"
#include "core/errors/result.h"

namespace sizeup {

// The tensors of one file in the order of their bytes; they point into `bytes`. Header size, types, shapes
// and offsets are checked as the format's own library does: the data is covered without holes or overlaps.
// Position buffers and masks of integer type, which some checkpoints carry besides weights, are left out.
Result<std::vector<Tensor>> parse_safetensors(std::span<const std::byte> bytes, const std::string& place);

}  // namespace sizeup
