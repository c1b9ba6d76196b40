// What kernels read of a step, brought to the GPU by one copy.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "backends/cuda/device_memory.h"

namespace sizeup::cuda {

// A part of what is brought; a pointer to it, once it is there.
template <class T>
struct Uploaded {
  size_t begin = 0;
};

class StepUpload {
 public:
  // What was brought before is no longer needed; its copy is done.
  void clear() { staged_.clear(); }

  template <class T>
  Uploaded<T> add(std::span<const T> values) {
    const size_t begin = (staged_.size() + kAlignment - 1) / kAlignment * kAlignment;
    staged_.resize(begin + values.size_bytes());
    if (!values.empty()) std::memcpy(staged_.data() + begin, values.data(), values.size_bytes());
    return {begin};
  }
  template <class T>
  Uploaded<T> add(const std::vector<T>& values) {
    return add(std::span<const T>(values));
  }

  void send(cudaStream_t stream);

  template <class T>
  const T* at(Uploaded<T> part) const {
    return reinterpret_cast<const T*>(memory_.as() + part.begin);
  }

 private:
  static constexpr size_t kAlignment = 16;  // of the widest load

  std::vector<std::byte> staged_;
  PinnedMemory pinned_;
  DeviceMemory memory_;
};

}  // namespace sizeup::cuda
