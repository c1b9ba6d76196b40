// Weights of linear layers on the GPU: rows of bfloat16 or float32, padded with zeros, as products read them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/cuda/device_memory.h"
#include "backends/engine/device.h"
#include "core/threads/thread_pool.h"

namespace sizeup::cuda {

struct Matrix {
  int outputs = 0;
  int inputs = 0;         // as the model has them
  int padded_inputs = 0;  // as they lie in memory, and in rows of operands
  Precision precision = Precision::float32;
  DeviceMemory weights;  // [outputs][padded_inputs]
  DeviceMemory bias;     // [outputs] floats; empty: none

  size_t row_bytes() const;
};

// Packs weights while others are copied: two buffers of the host take turns.
class WeightsUpload {
 public:
  WeightsUpload(Precision precision, int threads);
  ~WeightsUpload();
  WeightsUpload(const WeightsUpload&) = delete;
  WeightsUpload& operator=(const WeightsUpload&) = delete;

  void set_threads(int threads) { pool_ = std::make_unique<ThreadPool>(threads); }
  Matrix upload(std::span<const LinearTensors> stacked);

 private:
  struct Buffer {
    PinnedMemory memory;
    cudaEvent_t copied = nullptr;
  };

  void pack_row(const Tensor& weight, int64_t row, std::byte* to) const;
  void upload_rows(const Tensor& weight, const Matrix& matrix, std::byte* to);

  Precision precision_;
  std::unique_ptr<ThreadPool> pool_;
  cudaStream_t stream_ = nullptr;
  std::array<Buffer, 2> buffers_;
  size_t next_ = 0;
};

}  // namespace sizeup::cuda
