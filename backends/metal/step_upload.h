// What a step brings, in one buffer.
#pragma once

#include <vector>

#include "backends/metal/memory.h"

namespace sizeup::metal {

class StepUpload {
 public:
  // Where the values will be.
  struct Place {
    size_t offset = 0;
  };

  void clear() { bytes_.clear(); }

  template <class T>
  Place add(std::span<const T> values) {
    constexpr size_t kAlignment = 16;  // of anything that kernels read
    bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment);
    const Place place{bytes_.size()};
    const auto bytes = std::as_bytes(values);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return place;
  }

  // No command may be under way.
  void send(Queue& queue) {
    Buffer& buffer = require_bytes(queue, buffer_, std::max<size_t>(bytes_.size(), 1));
    std::ranges::copy(bytes_, buffer.bytes().begin());
  }
  Binding at(Place place) const { return {buffer_.get(), place.offset}; }

 private:
  std::vector<std::byte> bytes_;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace sizeup::metal
