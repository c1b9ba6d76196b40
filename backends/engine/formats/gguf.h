// GGUF, versions 2 and 3: header, metadata, tensor table, data.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backends/engine/formats/tensor.h"
#include "core/errors/result.h"
#include "core/json/json.h"

namespace sizeup {

struct GgufContent {
  Json metadata;                // one object, keys in the file's order
  std::vector<Tensor> tensors;  // point into the given bytes
};

// `place` names the file in errors; each names the byte, too. Every count, size and offset is checked against
// the bytes that are there before anything is allocated for it.
Result<GgufContent> parse_gguf(std::span<const std::byte> bytes, const std::string& place);

}  // namespace sizeup
