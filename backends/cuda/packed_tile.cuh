// The kernel of multiply_packed for one format. A warp has 16 outputs, whose packed weights it copies to
// shared memory some stages ahead and unpacks to the A operand of mma.sync; the block's warps share the rows.
#pragma once

#include <cuda_bf16.h>

#include "backends/cuda/check.h"
#include "backends/cuda/matrix_instructions.cuh"
#include "backends/cuda/packed_product.h"
#include "backends/cuda/tile_index.h"
#include "backends/cuda/weight_formats.h"

namespace sizeup::cuda {

inline constexpr int kOutputTile = 16;  // outputs of an instruction
inline constexpr int kStepInputs = 16;  // inputs of an instruction
inline constexpr int kRowTile = 8;      // rows of an instruction

// Of the bytes of 16 outputs in a stage. Rows of weights begin at any even address, copies at multiples of
// 16: a stage's bytes are copied with what lies between such a multiple and their begin.
template <class Format>
struct PackedStage {
  static constexpr bool kPlain = Format::kElements == 1;
  // Whole blocks; two stages of the largest fit a multiprocessor's 99 KiB (sm_86, sm_89).
  static constexpr int kInputs = kPlain ? 64 : Format::kElements == 32 ? 128 : 256;
  static constexpr int kGroup = []() consteval->int {
    if constexpr (kPlain) {
      return kStepInputs;
    } else {
      return Format::kGroup;
    }
  }
  ();  // neighbours with one scale
  static constexpr int kBytes = kInputs / Format::kElements * Format::kBytes;
  static constexpr int kPieces = (kBytes + 15) / 16 + 1;
  // An odd number of pieces from row to row: eight rows' words lie in different banks.
  static constexpr int kRowBytes = (kPieces | 1) * 16;
};

// Two neighbouring weights as bfloat16, the first in the low half. `input` is even.
template <class Format>
__device__ uint32_t weight_pair(const uint8_t* stage, float scale, float offset, int input) {
  if constexpr (PackedStage<Format>::kPlain) {
    return *reinterpret_cast<const uint32_t*>(stage + input * Format::kBytes);
  } else {
    const uint8_t* block = stage + input / Format::kElements * Format::kBytes;
    const int inside = input % Format::kElements;
    const float first = static_cast<float>(Format::level(block, inside)) * scale + offset;
    const float second = static_cast<float>(Format::level(block, inside + 1)) * scale + offset;
    const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
    return *reinterpret_cast<const uint32_t*>(&pair);
  }
}

struct GroupScale {
  float scale = 1.0F;
  float offset = 0.0F;
};

// Of the group of weights that has `input`.
template <class Format>
__device__ GroupScale group_scale(const uint8_t* stage, int input) {
  if constexpr (PackedStage<Format>::kPlain) {
    return {};
  } else {
    const uint8_t* block = stage + input / Format::kElements * Format::kBytes;
    const int group = input % Format::kElements / Format::kGroup;
    return {Format::scale(block, group), Format::offset(block, group)};
  }
}

template <class Format, int kRowTiles, int kWarps, int kStages>
struct PackedTile {
  using Stage = PackedStage<Format>;
  static constexpr int kRows = kRowTiles * kRowTile;
  static constexpr int kOutputs = kWarps * kOutputTile;
  static constexpr int kRowPieces = Stage::kInputs / kPieceElements;
  static constexpr int kWarpBytes = kOutputTile * Stage::kRowBytes;
  static constexpr int kRowsBytes = kRows * kRowPieces * 16;
  static constexpr int kStageBytes = kWarps * kWarpBytes + kRowsBytes;
  static constexpr int kBytes = kStages * kStageBytes;

  const GroupedWeights& weights;
  const Rows<const __nv_bfloat16>& in;
  const RowGroups& groups;
  RowTile tile;
  uint32_t shared;      // of the block, as copies address it
  const char* generic;  // the same
  int first_output;     // of the warp
  int lane;
  int warp;

  __device__ const uint8_t* output_bytes(int output, int stage) const {
    return static_cast<const uint8_t*>(weights.data) + tile.group * weights.group_stride +
           static_cast<int64_t>(output) * weights.stride + static_cast<int64_t>(stage) * Stage::kBytes;
  }
  __device__ int stage_inputs(int stage) const {
    return min(Stage::kInputs, weights.inputs - stage * Stage::kInputs);
  }
  __device__ uint32_t stage_at(int stage) const {
    return static_cast<uint32_t>(stage % kStages * kStageBytes);
  }

  __device__ void copy_weights(int stage) const {
    const int bytes = stage_inputs(stage) / Format::kElements * Format::kBytes;
    const uint32_t to = shared + stage_at(stage) + static_cast<uint32_t>(warp * kWarpBytes);
    for (int i = lane; i < kOutputTile * Stage::kPieces; i += 32) {
      const int row = i / Stage::kPieces;
      const int piece = i % Stage::kPieces;
      const uint8_t* begin = output_bytes(first_output + row, stage);
      const auto before = static_cast<int>(reinterpret_cast<uintptr_t>(begin) % 16);
      const int left = before + bytes - piece * 16;
      const bool valid = first_output + row < weights.outputs && left > 0;
      copy_bytes(to + static_cast<uint32_t>(row * Stage::kRowBytes + piece * 16), begin - before + piece * 16,
                 valid ? min(left, 16) : 0, static_cast<const uint8_t*>(weights.data));
    }
  }

  // So many bytes, zeros after them; `somewhere` is readable.
  static __device__ void copy_bytes(uint32_t to, const uint8_t* from, int bytes, const uint8_t* somewhere) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to),
                 "l"(bytes > 0 ? from : somewhere), "r"(bytes));
  }

  __device__ void copy_rows(int stage) const {
    const uint32_t to = shared + stage_at(stage) + kWarps * kWarpBytes;
    const int pieces = stage_inputs(stage) / kPieceElements;
    for (int i = static_cast<int>(threadIdx.x); i < tile.count * kRowPieces; i += kWarps * 32) {
      const int row = i / kRowPieces;
      const int piece = i % kRowPieces;
      if (piece >= pieces) continue;
      const int slot = tile.first + row;
      const __nv_bfloat16* from = in.row(groups.rows == nullptr ? slot : groups.rows[slot]);
      copy_piece(to + static_cast<uint32_t>(tile_piece(kRowPieces, row, piece)) * 16,
                 from + stage * Stage::kInputs + piece * kPieceElements, true);
    }
  }

  __device__ void copy(int stage) const {
    if (stage * Stage::kInputs < weights.inputs) {
      copy_weights(stage);
      copy_rows(stage);
    }
    commit_copies();
  }

  // The bytes of output `row` of the warp's 16.
  __device__ const uint8_t* stage_row(int row, int stage) const {
    const auto before = reinterpret_cast<uintptr_t>(output_bytes(first_output + row, stage)) % 16;
    return reinterpret_cast<const uint8_t*>(generic) + stage_at(stage) + warp * kWarpBytes +
           row * Stage::kRowBytes + before;
  }

  __device__ void multiply(int stage, float (&sums)[kRowTiles][4]) const {
    constexpr int kGroup = Stage::kGroup;
    const uint8_t* low = stage_row(lane / 4, stage);
    const uint8_t* high = stage_row(lane / 4 + 8, stage);
    const int inputs = stage_inputs(stage);
    for (int group = 0; group < inputs; group += kGroup) {
      const GroupScale low_scale = group_scale<Format>(low, group);
      const GroupScale high_scale = group_scale<Format>(high, group);
#pragma unroll
      for (int step = 0; step < kGroup; step += kStepInputs) {
        const int input = group + step + lane % 4 * 2;
        const uint32_t a[4] = {weight_pair<Format>(low, low_scale.scale, low_scale.offset, input),
                               weight_pair<Format>(high, high_scale.scale, high_scale.offset, input),
                               weight_pair<Format>(low, low_scale.scale, low_scale.offset, input + 8),
                               weight_pair<Format>(high, high_scale.scale, high_scale.offset, input + 8)};
        multiply_rows(stage, (group + step) / kPieceElements, a, sums);
      }
    }
  }

  // piece: the first of the step's two.
  __device__ void multiply_rows(int stage, int piece, const uint32_t (&a)[4],
                                float (&sums)[kRowTiles][4]) const {
    const uint32_t rows = shared + stage_at(stage) + kWarps * kWarpBytes;
#pragma unroll
    for (int n = 0; n < kRowTiles; ++n) {
      if (n * kRowTile >= tile.count) break;
      uint32_t b[2];
      const int at = tile_piece(kRowPieces, n * kRowTile + lane % 8, piece + b_piece(lane));
      load_matrices(b, rows + static_cast<uint32_t>(at) * 16);
      multiply_add(sums[n], a, b);
    }
  }

  __device__ void store(const ValueRows& out, const float (&sums)[kRowTiles][4]) const {
#pragma unroll
    for (int n = 0; n < kRowTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int output = first_output + sum_output(lane, i);
        const int row = n * kRowTile + sum_row(lane, i);
        if (output >= weights.outputs || row >= tile.count) continue;
        float value = sums[n][i];
        if (weights.bias != nullptr)
          value = __fadd_rn(value, weights.bias[static_cast<int64_t>(tile.group) * weights.outputs + output]);
        out.row(tile.first + row)[output] = value;
      }
    }
  }
};

template <class Format, int kRowTiles, int kWarps, int kStages>
__global__ void __launch_bounds__(kWarps * 32)
    packed_tile_kernel(const GroupedWeights weights, const Rows<const __nv_bfloat16> in,
                       const RowGroups groups, const ValueRows out) {
  using Tile = PackedTile<Format, kRowTiles, kWarps, kStages>;
  extern __shared__ __align__(128) char memory[];
  const RowTile rows = row_tile(groups, Tile::kRows, static_cast<int>(blockIdx.y));
  if (rows.count == 0) return;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const Tile tile{weights,
                  in,
                  groups,
                  rows,
                  static_cast<uint32_t>(__cvta_generic_to_shared(memory)),
                  memory,
                  static_cast<int>(blockIdx.x) * Tile::kOutputs + warp * kOutputTile,
                  static_cast<int>(threadIdx.x) % 32,
                  warp};
  const int stages = (weights.inputs + Tile::Stage::kInputs - 1) / Tile::Stage::kInputs;
  float sums[kRowTiles][4] = {};
  for (int stage = 0; stage < kStages - 1; ++stage) tile.copy(stage);
  for (int stage = 0; stage < stages; ++stage) {
    await_copies<kStages - 2>();
    __syncthreads();  // the stage is there for all, and none still reads the one that is copied next
    tile.copy(stage + kStages - 1);
    tile.multiply(stage, sums);
  }
  tile.store(out, sums);
}

// Few rows: many stages, since a multiprocessor has few blocks. Many rows: four warps share them.
inline constexpr int kFewRows = 8;
inline constexpr int kManyRows = 64;

template <class Format>
void launch_packed(const GroupedWeights& weights, const Rows<const __nv_bfloat16>& in,
                   const RowGroups& groups, const ValueRows& out, cudaStream_t stream) {
  const auto launch = [&]<int kRowTiles, int kWarps, int kStages>() {
    using Tile = PackedTile<Format, kRowTiles, kWarps, kStages>;
    const auto kernel = packed_tile_kernel<Format, kRowTiles, kWarps, kStages>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::kBytes));
    const dim3 grid(static_cast<unsigned>((weights.outputs + Tile::kOutputs - 1) / Tile::kOutputs),
                    static_cast<unsigned>(most_tiles(groups, Tile::kRows)));
    kernel<<<grid, kWarps * 32, Tile::kBytes, stream>>>(weights, in, groups, out);
    check(cudaGetLastError());
  };
  if (packed_tile_rows(groups.slots, groups.groups) == kFewRows) {
    launch.template operator()<kFewRows / kRowTile, 2, 6>();
  } else {
    launch.template operator()<kManyRows / kRowTile, 4, 2>();
  }
}

}  // namespace sizeup::cuda
