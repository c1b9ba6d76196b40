// A mixture of experts: the router's product in float32, the choice, the rows of every expert side by side,
// their products as one kernel for all experts, then each row's sum in the order of its choice. Pointers are
// of device memory.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "backends/cuda/packed_product.h"
#include "backends/cuda/routing.h"
#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

// Weights of experts: in float32 of any type; in bfloat16 of those of has_packed_product, with inputs padded
// as there.
struct ExpertWeights {
  GroupedWeights gate_up;  // a group is an expert: rows of its gate, then as many of its up
  GroupedWeights down;
};

struct MixtureView {
  RouterView choice;
  // One group of float32 rows: a row for each expert, then that of the shared expert's gate if it has one;
  // the bias has as many values.
  GroupedWeights router;
  ExpertWeights experts;
  ExpertWeights shared;  // of one group; without outputs: there is none
  Precision precision = Precision::float32;
};

// Rows that are computed at once: more are computed in turn. An expert of 128 of which a row uses 8 has 128
// of them, which keep tensor cores as busy as more would.
inline constexpr int kMixtureRows = 2048;

// What mixture_add needs for as many rows as there may be; its begin is a multiple of 256.
size_t mixture_scratch_bytes(const MixtureView& mixture, int rows);

// rows += the mixture of `in` by what the router makes of `router_in` (Device::mixture_add).
void mixture_add(const MixtureView& mixture, const ConstValueRows& router_in, const ConstValueRows& in,
                 Activation activation, const ValueRows& rows, std::byte* scratch, cudaStream_t stream);

}  // namespace sizeup::cuda
