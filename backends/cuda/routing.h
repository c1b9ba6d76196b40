// Which experts a row uses, and the rows of each expert: made on the GPU, since the outputs of the router are
// there. All work on `stream`; pointers are of device memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/row_groups.h"
#include "backends/cuda/row_views.h"

namespace sizeup::cuda {

// ExpertSpec's choice, as kernels take it.
struct RouterView {
  int count = 0;
  int used = 0;
  RouterScoring scoring = RouterScoring::softmax;
  int groups = 1;
  int groups_used = 1;
  int group_best = 1;
  bool normalised = false;
  float scale = 1.0F;
  bool shared = false;                    // an expert that every row uses comes last
  bool shared_gated = false;              // its output is the router's last
  const float* selection_bias = nullptr;  // [count]; nullptr: none
  const float* expert_scale = nullptr;    // [count]; nullptr: none

  // Experts that a row adds.
  int parts() const { return used + (shared ? 1 : 0); }
};
RouterView router_view(const ExpertSpec& spec);  // without the pointers

// As Routing::choose. outputs: of the router, and of the shared expert's gate. experts: [row][used], in the
// order of their choice; weights: [row][parts].
void choose_experts(const RouterView& router, const ConstValueRows& outputs, int32_t* experts, float* weights,
                    cudaStream_t stream);

// Uses sorted by expert, those of an expert in the order of rows.
struct SortedUses {
  int32_t* counts = nullptr;      // [experts]
  int32_t* begin = nullptr;       // [experts + 1]: RowGroups::begin
  int32_t* tile_begin = nullptr;  // [experts + 1]
  int32_t* rows = nullptr;        // [slot]
  int32_t* slots = nullptr;       // [row][used]: the use's slot
};
// experts_of: [row][used]
void sort_by_expert(const int32_t* experts_of, int rows, int used, int experts, int tile_rows,
                    const SortedUses& sorted, cudaStream_t stream);

}  // namespace sizeup::cuda
