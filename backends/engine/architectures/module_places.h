// Where a checkpoint has the matrix of a module that an adapter names as Hugging Face does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/engine/decoder_spec.h"
#include "backends/engine/formats/checkpoint.h"

namespace sizeup {

struct ModulePlace {
  std::string tensor;     // that is in the checkpoint
  int64_t first_row = 0;  // of the module's rows in it
  int64_t rows = 0;
  // llama.cpp's converter puts the rows of queries and keys that are rotated in neighbouring pairs in another
  // order, within each of so many heads; 0: the order is Hugging Face's.
  int permuted_heads = 0;
};

// "model.layers.0.self_attn.q_proj" in a checkpoint that is described by the spec. Nothing if it has no such
// matrix, or if its file has the rows in an order that is not known.
std::optional<ModulePlace> find_module(const Checkpoint& checkpoint, const DecoderSpec& spec,
                                       std::string_view module);

// The row in Hugging Face's order that is row `row` of a matrix whose `rows` are permuted within the heads:
// from pairs of neighbours back to halves of a head.
int64_t unpermuted_row(int64_t row, int64_t rows, int heads);

}  // namespace sizeup
