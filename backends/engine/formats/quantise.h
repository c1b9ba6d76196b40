// Rows of weights rounded to a block format, with a small mean squared error: for models that are quantised
// when they are loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/engine/formats/block_formats.h"

namespace sizeup {

// Counts changes of what quantise_row writes: a score depends on it as on the weights themselves.
constexpr int kQuantiserVersion = 1;

// The formats that quantise_row writes, widest first: BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q4_0.
std::span<const TensorType> quantised_types();

// Bytes of a row of `columns` weights, which are whole blocks.
int64_t row_bytes(TensorType type, int64_t columns);

// `row` in the format `type`, one of quantised_types(); row.size() is a multiple of its block and
// out.size() == row_bytes. Each block depends on its own weights only. False, and nothing useful in `out`, if
// a weight is not finite or too large for the format (for the blocks: where a scale, which is a binary16,
// would overflow). Weights too small for the format's scales become 0.
[[nodiscard]] bool quantise_row(TensorType type, std::span<const float> row, std::span<std::byte> out);

// IEEE 754 binary16, rounded to nearest, ties to even; infinity from 65520 on. Not for NaNs.
uint16_t half_from_float(float value);

}  // namespace sizeup
