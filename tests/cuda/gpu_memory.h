// A GPU's memory, for tests that run kernels.
#pragma once

#include <cuda_runtime.h>

#include <span>
#include <vector>

#include "backends/cuda/check.h"
#include "tests/cuda/on_gpu.h"

namespace sizeup::cuda {

// Bytes all ones, which are no numbers, until something is written.
template <typename T>
class GpuMemory {
 public:
  explicit GpuMemory(size_t count) : count_(count) {
    check(cudaMalloc(&data_, bytes()));
    check(cudaMemset(data_, 0xFF, bytes()));
  }
  explicit GpuMemory(std::span<const T> values) : GpuMemory(values.size()) {
    check(cudaMemcpy(data_, values.data(), values.size_bytes(), cudaMemcpyHostToDevice));
  }
  explicit GpuMemory(const std::vector<T>& values) : GpuMemory(std::span(values)) {}
  ~GpuMemory() { cudaFree(data_); }
  GpuMemory(const GpuMemory&) = delete;
  GpuMemory& operator=(const GpuMemory&) = delete;

  T* data() const { return static_cast<T*>(data_); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  size_t bytes() const { return (count_ + 1) * sizeof(T); }  // not 0

  void* data_ = nullptr;
  size_t count_;
};

}  // namespace sizeup::cuda
