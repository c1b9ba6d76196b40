// Norms, and what else needs a sum over a row (Device has what each means). The order of a sum depends on the
// number of columns alone (row_tree.h). All work on `stream`; pointers are of device memory.
#pragma once

#include <cuda_runtime.h>

#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

// As Norm (backends/engine/norm.h).
struct NormView {
  NormKind kind = NormKind::none;
  float epsilon = 0.0F;
  const float* weight = nullptr;  // [columns]
  const float* bias = nullptr;    // [columns]; nullptr: none
  int columns = 0;
};

// out = norm(in)
void norm(const ConstValueRows& in, const NormView& norm, const OperandRows& out, cudaStream_t stream);
// rows += norm(in)
void norm_add(const ConstValueRows& in, const NormView& norm, const ValueRows& rows, cudaStream_t stream);
// The norm of each of `parts` neighbouring parts of a row, from a column on, in place.
void norm_parts(const ValueRows& rows, int first_column, int parts, const NormView& norm,
                cudaStream_t stream);

// Every row is scaled so that its root mean square becomes that of `like`.
void match_magnitude(const ValueRows& rows, const ConstValueRows& like, cudaStream_t stream);
// What each of a row's first `columns` values is more than their mean and so many of their standard
// deviations, or 0.
void keep_above(const ValueRows& rows, int columns, float deviations, cudaStream_t stream);

}  // namespace sizeup::cuda
