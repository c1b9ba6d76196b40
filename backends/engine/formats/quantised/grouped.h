// Weights of 4 or 8 bits in groups along the inputs, each with a scale and a zero point: what GPTQ and AWQ
// have in common.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "backends/engine/formats/quantised/stored_tensors.h"

namespace sizeup {

enum class CodePacking {
  inputs,           // {inputs / codes of a word, outputs}; the first code lies in the lowest bits
  outputs_shuffled  // {inputs, outputs / 8} of 4 bits; a word's nibbles are outputs 0, 2, 4, 6, 1, 3, 5, 7
};

struct GroupedForm {
  std::string_view name;  // "GPTQ 4-bit"
  CodePacking packing = CodePacking::inputs;
  int bits = 4;
  int zero_offset = 0;     // what is added to a stored zero point
  int64_t group_size = 0;  // inputs; what a file with g_idx says counts more. -1: all inputs
};

// The parts `module`.qweight, .qzeros, .scales and, where there is one, .g_idx become `module`.weight of
// {outputs, inputs}: scale * (code - zero point).
Result<void> read_grouped(const std::string& module, const GroupedForm& form, StoredTensors& tensors);

// The modules that have a .qweight, in the file's order.
std::vector<std::string> grouped_modules(const StoredTensors& tensors);

}  // namespace sizeup
