// Memory for weights, activations and keys and values: large, aligned, zero, and on huge pages where there
// are any.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace sizeup {

// Owns bytes that come from the system and go back to it. They are all zero, and a page takes memory only
// once it is written to, so that a generous size costs nothing and pages lie near the thread that writes them
// first.
//
// From kHugePage on it begins on a multiple of kHugePage and asks for huge pages: a product that walks
// through a gigabyte of weights would otherwise miss the processor's table of addresses every 4 KiB. A
// smaller one begins on an ordinary page: one huge page for each of many small vectors would be mostly empty.
class HugeBuffer {
 public:
  static constexpr size_t kHugePage = size_t{2}
                                      << 20;  // of x86-64, and of 64-bit ARM with its usual 4 KiB pages

  HugeBuffer() = default;
  // Throws std::bad_alloc if the system refuses. 0 bytes are no memory at all.
  explicit HugeBuffer(size_t bytes);

  HugeBuffer(HugeBuffer&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  HugeBuffer& operator=(HugeBuffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;
  ~HugeBuffer();

  std::byte* data() { return bytes_.data(); }
  const std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }  // what was asked for, rounded up to whole ordinary pages

 private:
  std::span<std::byte> bytes_;
};

}  // namespace sizeup
