// Memory of the GPU that somebody owns.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <utility>

namespace sizeup::cuda {

// So many bytes, zeros at first, on a boundary of at least 256. Nobody else's work may still use what is
// freed.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // A copy of these values.
  template <class T>
  static DeviceMemory of(std::span<const T> values) {
    DeviceMemory memory(values.size_bytes());
    memory.fill(values.data(), values.size_bytes());
    return memory;
  }

  // At least so many bytes; what was there is lost if there were fewer.
  void require_bytes(size_t bytes);

  template <class T = std::byte>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  void fill(const void* from, size_t bytes);

  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

// Memory of the host that copies to and from the GPU run beside.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  // As DeviceMemory::require_bytes.
  void require_bytes(size_t bytes);
  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace sizeup::cuda
