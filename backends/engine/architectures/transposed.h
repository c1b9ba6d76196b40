// Matrices that a file holds as {inputs, outputs}.
#pragma once

#include <memory>
#include <optional>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

// The rows of the transposed matrix, one weight at a time: of plain float formats only. None: it is of
// another. The matrix's data must live as long.
std::unique_ptr<const RowSource> transpose(const Tensor& matrix);

}  // namespace sizeup
