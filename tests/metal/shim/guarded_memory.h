// Memory whose neighbours are not there: it ends at a page that cannot be touched, so that an index beyond
// the last faults, and what lies before it on its first page is checked for writes. It begins as bytes of
// 0xFF, which are NaN as float32: whoever reads what was never written does not go unnoticed.
#pragma once

#include <cstddef>
#include <span>

namespace sizeup::metal_shim {

class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::span<std::byte> bytes() const { return {data_, size_}; }
  // Whether the bytes around it are as they were.
  bool margins_are_whole() const;

 private:
  std::byte* mapping_ = nullptr;  // a page that cannot be touched, then those of the memory, then another
  size_t inner_ = 0;              // bytes between the two
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sizeup::metal_shim
