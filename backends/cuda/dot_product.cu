// multiply_floats: a warp has a few rows and outputs, its lanes share the inputs. For small matrices
// (routers) and for float32, which is for comparison, not for speed.
#include "backends/cuda/fours.cuh"
#include "backends/cuda/packed_product.h"
#include "backends/cuda/weight_formats.h"

namespace sizeup::cuda {
namespace {

constexpr int kLanes = 32;
constexpr int kWarps = 4;       // of a block
constexpr int kDotOutputs = 4;  // of a warp: 16 sums for 8 loads

__device__ Eight load_eight(const float* row, int first, int columns) {
  Eight eight;
  for (int half = 0; half < kEight; half += 4) {
    if (first + half >= columns) break;
    const Four four = load_four(row + first + half, min(4, columns - first - half));
    for (int i = 0; i < 4; ++i) eight.value[half + i] = four.value[i];
  }
  return eight;
}

template <class Format>
__global__ void __launch_bounds__(kWarps* kLanes)
    dot_kernel(const GroupedWeights weights, const ConstValueRows in, const RowGroups groups,
               const ValueRows out) {
  const RowTile tile = row_tile(groups, kDotRows, static_cast<int>(blockIdx.y));
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int first_output =
      (static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / kLanes) * kDotOutputs;
  if (tile.count == 0 || first_output >= weights.outputs) return;
  const float* rows[kDotRows];
  const uint8_t* outputs[kDotOutputs];
#pragma unroll
  for (int r = 0; r < kDotRows; ++r) {
    const int slot = tile.first + min(r, tile.count - 1);
    rows[r] = in.row(groups.rows == nullptr ? slot : groups.rows[slot]);
  }
#pragma unroll
  for (int o = 0; o < kDotOutputs; ++o) {
    outputs[o] = static_cast<const uint8_t*>(weights.data) + tile.group * weights.group_stride +
                 min(first_output + o, weights.outputs - 1) * weights.stride;
  }
  float sums[kDotRows][kDotOutputs] = {};
  for (int first = lane * kEight; first < weights.inputs; first += kLanes * kEight) {
    Eight x[kDotRows];
#pragma unroll
    for (int r = 0; r < kDotRows; ++r) x[r] = load_eight(rows[r], first, weights.inputs);
#pragma unroll
    for (int o = 0; o < kDotOutputs; ++o) {
      const Eight weight = eight_weights<Format>(outputs[o], first, weights.inputs);
#pragma unroll
      for (int r = 0; r < kDotRows; ++r) {
#pragma unroll
        for (int i = 0; i < kEight; ++i) sums[r][o] = __fmaf_rn(x[r].value[i], weight.value[i], sums[r][o]);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kDotRows; ++r) {
#pragma unroll
    for (int o = 0; o < kDotOutputs; ++o) {
      float sum = sums[r][o];
      for (int distance = kLanes / 2; distance > 0; distance /= 2)
        sum = __fadd_rn(sum, __shfl_xor_sync(0xFFFFFFFFU, sum, distance));
      const int output = first_output + o;
      if (lane != 0 || r >= tile.count || output >= weights.outputs) continue;
      if (weights.bias != nullptr)
        sum = __fadd_rn(sum, weights.bias[static_cast<int64_t>(tile.group) * weights.outputs + output]);
      out.row(tile.first + r)[output] = sum;
    }
  }
}

}  // namespace

void multiply_floats(const GroupedWeights& weights, const ConstValueRows& in, const RowGroups& groups,
                     const ValueRows& out, cudaStream_t stream) {
  if (groups.slots == 0 || weights.outputs == 0) return;
  constexpr int kBlockOutputs = kWarps * kDotOutputs;
  const dim3 grid(static_cast<unsigned>((weights.outputs + kBlockOutputs - 1) / kBlockOutputs),
                  static_cast<unsigned>(most_tiles(groups, kDotRows)));
  with_format(weights.type, [&]<class Format>(Format) {
    dot_kernel<Format><<<grid, kWarps * kLanes, 0, stream>>>(weights, in, groups, out);
  });
  check(cudaGetLastError());
}

}  // namespace sizeup::cuda
