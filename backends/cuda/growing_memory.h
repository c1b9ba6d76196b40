// Memory for pages and states: addresses for as much as there may be, backed as it is needed. So it grows
// without a copy, and several devices of a process share what is free.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sizeup::cuda {

struct MemoryDriver;

class GrowingMemory {
 public:
  // Addresses for `most` bytes; no memory yet.
  explicit GrowingMemory(size_t most);
  ~GrowingMemory();
  GrowingMemory(const GrowingMemory&) = delete;
  GrowingMemory& operator=(const GrowingMemory&) = delete;

  // At least so many bytes from data() on. New ones are zeros: an unwritten value that a masked product meets
  // must not be NaN.
  void require_bytes(size_t bytes, cudaStream_t stream);
  std::byte* data() const { return reinterpret_cast<std::byte*>(address_); }

 private:
  uint64_t address_ = 0;
  size_t reserved_ = 0;
  size_t backed_ = 0;
  struct Part {
    uint64_t handle = 0;
    size_t bytes = 0;
  };
  std::vector<Part> parts_;
};

}  // namespace sizeup::cuda
