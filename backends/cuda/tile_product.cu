#include "backends/cuda/check.h"
#include "backends/cuda/matrix_instructions.cuh"
#include "backends/cuda/tile_index.h"
#include "backends/cuda/tile_product.h"

namespace sizeup::cuda {
namespace {

constexpr int kWarp = 32;
constexpr int kStep = 16;  // inputs of an instruction

// A block's tile: weights are the instruction's A operand (16 outputs), rows its B operand (8 rows), so that
// few rows waste little.
template <int kOutputs_, int kRows_, int kOutputWarps_, int kRowWarps_, int kDepth_, int kStages_>
struct Tile {
  static constexpr int kOutputs = kOutputs_;
  static constexpr int kRows = kRows_;
  static constexpr int kOutputWarps = kOutputWarps_;
  static constexpr int kDepth = kDepth_;    // inputs of a stage
  static constexpr int kStages = kStages_;  // in shared memory
  static constexpr int kThreads = kOutputWarps_ * kRowWarps_ * kWarp;
  static constexpr int kOutputTiles = kOutputs / kOutputWarps_ / 16;  // of a warp
  static constexpr int kRowTiles = kRows / kRowWarps_ / 8;
  static constexpr int kPieces = kDepth / kPieceElements;  // of a row in a stage
  static constexpr int kStagePieces = (kOutputs + kRows) * kPieces;
  static constexpr int kBytes = kStages * kStagePieces * 16;
};

// A thread's part of copying kCount rows of `source` to every stage: which pieces, computed once.
template <class T, int kCount>
class RowCopies {
 public:
  __device__ RowCopies(const __nv_bfloat16* source, int64_t stride, int first, int end) {
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const int index = threadIdx.x + i * T::kThreads;
      const int row = index / T::kPieces;
      const int piece = index % T::kPieces;
      valid_[i] = first + row < end;
      from_[i] = source + (valid_[i] ? first + row : 0) * stride + piece * kPieceElements;
      place_[i] = tile_piece(T::kPieces, row, piece) * 16;
    }
  }

  // The stage that begins with that input. Rows that are none become zeros.
  __device__ void copy(int input, uint32_t to) const {
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      if (kWhole || threadIdx.x + i * T::kThreads < kCount * T::kPieces)
        copy_piece(to + place_[i], from_[i] + input, valid_[i]);
    }
  }

 private:
  static constexpr bool kWhole = kCount * T::kPieces % T::kThreads == 0;
  static constexpr int kCopies = (kCount * T::kPieces + T::kThreads - 1) / T::kThreads;

  const __nv_bfloat16* from_[kCopies];
  uint32_t place_[kCopies];
  bool valid_[kCopies];
};

// A warp's operands of one instruction step.
template <class T>
struct Operands {
  uint32_t weights[T::kOutputTiles][4];
  uint32_t rows[T::kRowTiles][2];
};

template <class T>
__device__ void load_operands(uint32_t stage, int step, int output, int row, int lane, Operands<T>& to) {
#pragma unroll
  for (int m = 0; m < T::kOutputTiles; ++m)
    load_matrices(
        to.weights[m],
        stage + tile_piece(T::kPieces, output + m * 16 + a_row(lane), step * 2 + a_piece(lane)) * 16);
  const uint32_t rows = stage + T::kOutputs * T::kPieces * 16;
  if constexpr (T::kRowTiles == 1) {
    load_matrices(to.rows[0], rows + tile_piece(T::kPieces, row + (lane & 7), step * 2 + b_piece(lane)) * 16);
  } else {
#pragma unroll
    for (int n = 0; n < T::kRowTiles; n += 2) {
      uint32_t both[4];
      load_matrices(both,
                    rows + tile_piece(T::kPieces, row + n * 8 + b_row(lane), step * 2 + b_piece(lane)) * 16);
      to.rows[n][0] = both[0];
      to.rows[n][1] = both[1];
      to.rows[n + 1][0] = both[2];
      to.rows[n + 1][1] = both[3];
    }
  }
}

template <class T>
__device__ void multiply_operands(const Operands<T>& operands,
                                  float (&sums)[T::kOutputTiles][T::kRowTiles][4]) {
#pragma unroll
  for (int m = 0; m < T::kOutputTiles; ++m)
#pragma unroll
    for (int n = 0; n < T::kRowTiles; ++n) multiply_add(sums[m][n], operands.weights[m], operands.rows[n]);
}

template <class T>
__device__ void store(const TileProduct& work, int output, int row, int lane,
                      const float (&sums)[T::kOutputTiles][T::kRowTiles][4]) {
#pragma unroll
  for (int m = 0; m < T::kOutputTiles; ++m) {
#pragma unroll
    for (int n = 0; n < T::kRowTiles; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int o = output + m * 16 + sum_output(lane, i);
        const int r = row + n * 8 + sum_row(lane, i);
        if (o >= work.outputs || r >= work.rows) continue;
        float value = sums[m][n][i];
        if (work.bias != nullptr) value = __fadd_rn(value, work.bias[o]);
        float* place = work.out + r * work.out_stride + o;
        *place = work.add ? __fadd_rn(*place, value) : value;
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(T::kThreads) tile_product(const TileProduct work) {
  extern __shared__ __align__(128) char shared[];
  const auto memory = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  const int first_row = blockIdx.x * T::kRows;
  const int first_output = blockIdx.y * T::kOutputs;
  const int stages = work.inputs / T::kDepth;
  const RowCopies<T, T::kOutputs> weight_copies(work.weights, work.inputs, first_output, work.outputs);
  const RowCopies<T, T::kRows> row_copies(work.in, work.in_stride, first_row, work.rows);
  const auto place = [&](int stage) { return memory + stage % T::kStages * T::kStagePieces * 16; };
  const auto load = [&](int stage) {
    if (stage < stages) {
      weight_copies.copy(stage * T::kDepth, place(stage));
      row_copies.copy(stage * T::kDepth, place(stage) + T::kOutputs * T::kPieces * 16);
    }
    commit_copies();
  };
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int output = warp % T::kOutputWarps * T::kOutputTiles * 16;
  const int row = warp / T::kOutputWarps * T::kRowTiles * 8;
  float sums[T::kOutputTiles][T::kRowTiles][4] = {};
#pragma unroll
  for (int stage = 0; stage < T::kStages; ++stage) load(stage);
  await_copies<T::kStages - 1>();
  __syncthreads();
  constexpr int kSteps = T::kDepth / kStep;
  Operands<T> operands[2];  // of this step and the next, which is loaded before this one is computed
  load_operands<T>(place(0), 0, output, row, lane, operands[0]);
  for (int stage = 0; stage < stages; ++stage) {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      if (step < kSteps - 1) {
        load_operands<T>(place(stage), step + 1, output, row, lane, operands[(step + 1) % 2]);
      } else {
        await_copies<T::kStages - 2>();
        __syncthreads();  // the next stage is there for all, and all have this one's operands in registers
        load_operands<T>(place(stage + 1), 0, output, row, lane, operands[0]);
        load(stage + T::kStages);
      }
      multiply_operands<T>(operands[step % 2], sums);
    }
  }
  store<T>(work, first_output + output, first_row + row, lane, sums);
}

template <class T>
void launch(const TileProduct& work, cudaStream_t stream) {
  check(cudaFuncSetAttribute(tile_product<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kBytes));
  const dim3 grid((work.rows + T::kRows - 1) / T::kRows, (work.outputs + T::kOutputs - 1) / T::kOutputs);
  tile_product<T><<<grid, T::kThreads, T::kBytes, stream>>>(work);
  check(cudaGetLastError());
}

// Few outputs are cut finely, so that every multiprocessor has a block; stages hide a microsecond of latency.
template <int kRows>
void launch_narrow(const TileProduct& work, int multiprocessors, cudaStream_t stream) {
  constexpr int kStages = kRows <= 16 ? 8 : 6;
  constexpr int kRowWarps = kRows >= 64 ? 2 : 1;
  if ((work.outputs + 31) / 32 < multiprocessors) {
    launch<Tile<16, kRows, 1, kRowWarps, 64, kStages * 2>>(work, stream);
  } else {
    launch<Tile<32, kRows, 2, kRowWarps, 64, kStages>>(work, stream);
  }
}

}  // namespace

void multiply_tiles(const TileProduct& work, int multiprocessors, cudaStream_t stream) {
  if (work.rows <= 0 || work.outputs <= 0) return;
  if (work.rows <= 8) return launch_narrow<8>(work, multiprocessors, stream);
  if (work.rows <= 16) return launch_narrow<16>(work, multiprocessors, stream);
  if (work.rows <= 32) return launch_narrow<32>(work, multiprocessors, stream);
  const int wide_blocks = (work.outputs + 127) / 128 * ((work.rows + 127) / 128);
  if (wide_blocks >= multiprocessors) {
    launch<Tile<128, 128, 2, 4, 64, 3>>(work, stream);
  } else {
    launch<Tile<64, 64, 2, 2, 64, 4>>(work, stream);
  }
}

}  // namespace sizeup::cuda
