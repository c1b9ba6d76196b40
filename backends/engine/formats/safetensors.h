// safetensors: a length, a JSON header, the tensors' bytes. https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/formats/tensor.h"
#include "core/errors/result.h"

namespace sizeup {

// A tensor as the header describes it: a weight, or a part of one.
struct StoredTensor {
  std::string name;
  std::string_view dtype;  // as the format spells it: "BF16", "I32", "F8_E4M3"
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // as many bytes as shape and dtype ask for
};

// The tensors of one file in the order of their bytes; they point into `bytes`. Header size, types, shapes
// and offsets are checked as the format's own library does: the data is covered without holes or overlaps.
Result<std::vector<StoredTensor>> parse_safetensors(std::span<const std::byte> bytes,
                                                    const std::string& place);

// Those that are weights as they are: F32, F16 or BF16. Position buffers and masks, which some checkpoints
// carry besides weights, are left out; a tensor of any other type is an error.
Result<std::vector<Tensor>> plain_tensors(std::vector<StoredTensor> stored, const std::string& place);

// F32, F16, BF16 and F8_E8M0 (powers of two: scales) as float32; empty for another dtype.
std::vector<float> floats_of(const StoredTensor& tensor);

// A name from a file as it may stand in a message: short and printable.
std::string shown_name(std::string_view name);

}  // namespace sizeup
