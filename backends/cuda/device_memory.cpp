#include "backends/cuda/device_memory.h"

#include "backends/cuda/check.h"

namespace sizeup::cuda {

DeviceMemory::DeviceMemory(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  check(cudaMalloc(reinterpret_cast<void**>(&data_), bytes));
  check(cudaMemset(data_, 0, bytes));
  check(cudaDeviceSynchronize());  // streams of the device do not wait for the default one
}

DeviceMemory::~DeviceMemory() {
  cudaFree(data_);
}

void DeviceMemory::require_bytes(size_t bytes) {
  if (bytes <= bytes_) return;
  *this = DeviceMemory();  // before there is more
  *this = DeviceMemory(bytes);
}

void DeviceMemory::fill(const void* from, size_t bytes) {
  if (bytes > 0) check(cudaMemcpy(data_, from, bytes, cudaMemcpyHostToDevice));
}

PinnedMemory::~PinnedMemory() {
  cudaFreeHost(data_);
}

void PinnedMemory::require_bytes(size_t bytes) {
  if (bytes <= bytes_) return;
  check(cudaFreeHost(data_));
  data_ = nullptr;
  bytes_ = 0;
  check(cudaMallocHost(reinterpret_cast<void**>(&data_), bytes));
  bytes_ = bytes;
}

}  // namespace sizeup::cuda
