#include "backends/cpu/pages.h"

#include <algorithm>

namespace sizeup::cpu {
namespace {

// Memory is taken in blocks of this size: several huge pages, little beside a budget of a gigabyte.
constexpr size_t kBlockBytes = size_t{16} << 20;

constexpr size_t kCacheLine = 64;

}  // namespace

Pages::Pages(std::span<const size_t> layer_bytes) : by_layer_(layer_bytes.size()) {
  for (const size_t bytes : layer_bytes) {
    layer_bytes_.push_back((bytes + kCacheLine - 1) / kCacheLine * kCacheLine);
    page_bytes_ += layer_bytes_.back();
  }
  block_pages_ = static_cast<int>(std::max<size_t>(1, kBlockBytes / std::max<size_t>(1, page_bytes_)));
}

void Pages::reserve(int count) {
  while (static_cast<int>(by_layer_.front().size()) < count) {
    HugeBuffer& block = blocks_.emplace_back(page_bytes() * static_cast<size_t>(block_pages_));
    std::byte* place = block.data();
    for (int page = 0; page < block_pages_; ++page) {
      for (size_t layer = 0; layer < by_layer_.size(); ++layer) {
        by_layer_[layer].push_back(place);
        place += layer_bytes_[layer];
      }
    }
  }
}

}  // namespace sizeup::cpu
