// Operations on values element by element (Device has what each means). All work on `stream`; pointers are of
// device memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <span>

#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

void clear(const ValueRows& rows, cudaStream_t stream);
// rows *= factor
void scale(const ValueRows& rows, float factor, cudaStream_t stream);
// rows += factor * in, in two roundings
void add(const ConstValueRows& in, float factor, const ValueRows& rows, cudaStream_t stream);

// out = base + the sum over i of in[i] times its row's value in column first_column + i of `weights`; out may
// be base.
void combine(const ConstValueRows& base, std::span<const ConstValueRows> in, const ConstValueRows& weights,
             int first_column, const ValueRows& out, cudaStream_t stream);

// out = activation(in), for what a product gave; in place where out is the same float rows. Not for
// activations that need an up.
void activate(const ConstValueRows& in, Activation activation, const OperandRows& out, cudaStream_t stream);
// out = activation(the first columns of `in`) times the columns of `factors` from first_column on. What a
// product of gate and up gave is both: `in`, and `factors` from the column of the up on.
void gate(const ConstValueRows& in, Activation activation, const ConstValueRows& factors, int first_column,
          const OperandRows& out, cudaStream_t stream);
// out = in * sigmoid(the columns of `gates` from first_column on)
void apply_gate(const ConstValueRows& in, const ConstValueRows& gates, int first_column,
                const OperandRows& out, cudaStream_t stream);
// out = in, rounded to the operand's precision; columns that `in` lacks are 0
void convert(const ConstValueRows& in, const OperandRows& out, cudaStream_t stream);

// out row i = in row chosen[i], for each row of out
void select_rows(const ConstValueRows& in, const int32_t* chosen, const ValueRows& out, cudaStream_t stream);

}  // namespace sizeup::cuda
