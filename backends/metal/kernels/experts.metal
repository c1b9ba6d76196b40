// A mixture of experts: who is chosen, their products, and the sum by their weights.
#include <metal_stdlib>

#include "backends/metal/kernels/activations.h"
#include "backends/metal/kernels/matrices.h"
#include "backends/metal/kernels/parameters.h"
#include "backends/metal/kernels/simd.h"
#include "backends/metal/kernels/tiles.h"

using namespace metal;
using namespace sizeup::metal_kernels;

constant int router_has_bias [[function_constant(12)]];   // for choosing alone
constant int router_has_scale [[function_constant(13)]];  // of each expert's weight
constant int experts_have_bias [[function_constant(14)]];

// An expert, or a group of them; none: -1.
struct Candidate {
  float rank;
  int index;
};

// The greatest rank first, ties to the lowest index; a NaN is passed over if it can be.
inline bool is_chosen_before(Candidate a, Candidate b) {
  if (a.index < 0 || b.index < 0) return a.index >= 0;
  if (isnan(a.rank) != isnan(b.rank)) return isnan(b.rank);
  if (isnan(a.rank) || a.rank == b.rank) return a.index < b.index;
  return a.rank > b.rank;
}

// The first behind `last` of ranks[first], ranks[first + step] and so on. open: of each group of `size`; 0:
// all are.
template <class Floats, class Ints>
inline Candidate next_candidate(Floats ranks, Ints open, int size, int first, int end, int step,
                                Candidate last) {
  Candidate best = {0.0f, -1};
  for (int i = first; i < end; i += step) {
    const Candidate one = {ranks[i], i};
    if (size > 0 && open[i / size] == 0) continue;
    if (last.index >= 0 && !is_chosen_before(last, one)) continue;
    if (is_chosen_before(one, best)) best = one;
  }
  return best;
}

inline Candidate simd_first(Candidate best) {
  for (ushort distance = kSimdThreads / 2; distance > 0; distance /= 2) {
    const Candidate other = {simd_shuffle_xor(best.rank, distance), simd_shuffle_xor(best.index, distance)};
    if (is_chosen_before(other, best)) best = other;
  }
  return best;
}

// A simdgroup has a row. The weights of its experts lie side by side, then the shared one's.
kernel void choose_experts(device const float* outputs [[buffer(0)]],
                           device const float* selection_bias [[buffer(1)]],
                           device const float* expert_scale [[buffer(2)]], device int* experts [[buffer(3)]],
                           device float* weights [[buffer(4)]],
                           constant RouterParameters& parameters [[buffer(5)]],
                           uint3 group [[threadgroup_position_in_grid]],
                           uint index [[thread_index_in_threadgroup]]) {
  threadgroup float scores[kMostRouted];
  threadgroup float ranks[kMostRouted];
  threadgroup float group_ranks[kMostRouted];
  threadgroup int open[kMostRouted];
  const int lane = static_cast<int>(index);
  const int count = parameters.experts;
  const int used = parameters.used;
  device const float* row = outputs + static_cast<long>(group.x) * parameters.stride;
  device int* chosen = experts + static_cast<long>(group.x) * used;
  device float* weight = weights + static_cast<long>(group.x) * parameters.parts;

  if (parameters.scoring == kSoftmaxScores) {
    float highest = -INFINITY;
    for (int e = lane; e < count; e += kSimdThreads) highest = max(highest, row[e]);
    highest = simd_greatest(highest);
    float sum = 0.0f;
    for (int e = lane; e < count; e += kSimdThreads) {
      scores[e] = precise::exp(row[e] - highest);
      sum += scores[e];
    }
    sum = simd_total(sum);
    for (int e = lane; e < count; e += kSimdThreads) scores[e] /= sum;
  } else {
    for (int e = lane; e < count; e += kSimdThreads)
      scores[e] = parameters.scoring == kSigmoidScores ? 1.0f / (1.0f + precise::exp(-row[e])) : row[e];
  }
  for (int e = lane; e < count; e += kSimdThreads)
    ranks[e] = router_has_bias ? scores[e] + selection_bias[e] : scores[e];
  simdgroup_barrier(mem_flags::mem_threadgroup);

  const Candidate none = {0.0f, -1};
  const int size = parameters.groups > 1 ? count / parameters.groups : 0;
  if (size > 0) {
    for (int g = lane; g < parameters.groups; g += kSimdThreads) {
      float sum = 0.0f;
      Candidate last = none;
      for (int i = 0; i < min(parameters.group_best, size); ++i) {
        last = next_candidate(&ranks[0], &open[0], 0, g * size, (g + 1) * size, 1, last);
        sum += last.rank;
      }
      group_ranks[g] = sum;
      open[g] = 0;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    Candidate last = none;
    for (int i = 0; i < parameters.groups_used; ++i) {
      last = simd_first(
          next_candidate(&group_ranks[0], &open[0], 0, lane, parameters.groups, kSimdThreads, last));
      if (lane == 0) open[last.index] = 1;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
  Candidate last = none;
  for (int i = 0; i < used; ++i) {
    last = simd_first(next_candidate(&ranks[0], &open[0], size, lane, count, kSimdThreads, last));
    if (lane == 0) {
      chosen[i] = last.index;
      weight[i] = scores[last.index];
    }
  }
  if (lane != 0) return;
  float highest = weight[0];
  for (int i = 1; i < used; ++i) highest = max(highest, weight[i]);
  float sum = 0.0f;
  for (int i = 0; i < used; ++i) {
    if (parameters.scoring == kSoftmaxOfChosen) weight[i] = precise::exp(weight[i] - highest);
    sum += weight[i];
  }
  const bool divides = parameters.scoring == kSoftmaxOfChosen;
  float total = 0.0f;
  for (int i = 0; i < used; ++i) {
    if (divides) weight[i] /= sum;
    total += weight[i];
  }
  for (int i = 0; i < used; ++i) {
    if (parameters.normalised) weight[i] /= total;
    weight[i] *= parameters.scale;
    if (router_has_scale) weight[i] *= expert_scale[chosen[i]];
  }
  if (parameters.parts > used) weight[used] = parameters.shared_gated ? logistic(row[count]) : 1.0f;
}

// A row's product with one of its experts' matrices; those of one format lie one after the other, and uses of
// other experts are left to other commands. A group has one of the uses of experts by rows and 32 outputs:
// (outputs, use) in the grid. So an expert's weights are read for each row that uses it.
kernel void linear_experts(device const float* in [[buffer(0)]], device const uchar* weights [[buffer(1)]],
                           device const float* bias [[buffer(2)]], device const int* experts [[buffer(3)]],
                           device float* out [[buffer(4)]],
                           constant ExpertParameters& parameters [[buffer(5)]],
                           uint3 group [[threadgroup_position_in_grid]],
                           uint index [[thread_index_in_threadgroup]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float in_tile[kFewRows * kTileDepth];
  threadgroup float weight_tile[kTileOutputs * kTileDepth];
  threadgroup float out_tile[kFewRows * kTileOutputs];
  const int use = static_cast<int>(group.y);
  const int expert = experts[use];
  if (expert < parameters.first_expert || expert >= parameters.end_expert) return;
  const int first_output = static_cast<int>(group.x) * kTileOutputs;
  const int line = static_cast<int>(index) / kEights;
  const int eight = 8 * (static_cast<int>(index) % kEights);
  const bool has_output = first_output + line < parameters.outputs;
  const long first_line =
      static_cast<long>(expert - parameters.first_expert) * parameters.outputs + first_output;
  device const uchar* weight = weights + (first_line + line) * parameters.row_bytes;
  device const float* row = in + static_cast<long>(use / parameters.uses) * parameters.inputs;

  const uint lane = index % kSimdThreads;
  MatrixBlock<1, 1> sums;
  clear_block(sums);
  const int output_part = 8 * static_cast<int>(simdgroup);
  for (int k = 0; k < parameters.inputs; k += kTileDepth) {
    if (line < kFewRows)
      load_inputs(row, line == 0, k + eight, parameters.inputs, &in_tile[line * kTileDepth + eight]);
    load_weights(weight, has_output, k + eight, parameters.inputs, &weight_tile[line * kTileDepth + eight]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    add_product<kTileDepth, kTileDepth, 1, kTileDepth>(&in_tile[0], &weight_tile[output_part * kTileDepth],
                                                       lane, sums);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  store_block(sums, &out_tile[output_part], kTileOutputs, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const int output = static_cast<int>(index);
  if (output >= kTileOutputs || first_output + output >= parameters.outputs) return;
  float sum = out_tile[output];
  if (experts_have_bias) sum += bias[static_cast<long>(expert) * parameters.outputs + first_output + output];
  out[static_cast<long>(use) * parameters.outputs + first_output + output] = sum;
}

// rows += the sum of a row's experts' results by their weights, in the order of their choice, then the shared
// one's. (column, row) in the grid.
kernel void add_experts(device const float* results [[buffer(0)]], device const float* shared [[buffer(1)]],
                        device const float* weights [[buffer(2)]], device float* rows [[buffer(3)]],
                        constant ExpertSumParameters& parameters [[buffer(4)]],
                        uint3 place [[thread_position_in_grid]]) {
  const int column = static_cast<int>(place.x);
  if (column >= parameters.columns) return;
  const long row = place.y;
  device const float* weight = weights + row * parameters.parts;
  float sum = 0.0f;
  for (int i = 0; i < parameters.used; ++i)
    sum += weight[i] * results[(row * parameters.used + i) * parameters.columns + column];
  if (parameters.parts > parameters.used)
    sum += weight[parameters.used] * shared[row * parameters.columns + column];
  rows[row * parameters.columns + column] += sum;
}
