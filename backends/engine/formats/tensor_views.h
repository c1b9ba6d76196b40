// Weights in another order than their file's, for devices that want rows of outputs. A view's rows are
// computed; what it shows must outlive it.
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/formats/tensor.h"

namespace sizeup {

// What views point at.
using RowSources = std::vector<std::unique_ptr<const RowSource>>;

// {columns, rows} of a matrix of a plain type that is not computed itself.
Tensor transposed(const Tensor& matrix, RowSources& sources);

// Rows 0, 2, 4, ... (`first` = 0) or 1, 3, 5, ... of a matrix with an even number of them.
Tensor every_second_row(const Tensor& matrix, int64_t first, RowSources& sources);

}  // namespace sizeup
