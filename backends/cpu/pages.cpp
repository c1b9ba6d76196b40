#include "backends/cpu/pages.h"

#include <algorithm>

namespace sizeup::cpu {
namespace {

// Memory is taken in blocks of this size: several huge pages, little beside a budget of a gigabyte.
constexpr size_t kBlockBytes = size_t{16} << 20;

constexpr size_t kCacheLine = 64;

}  // namespace

Pages::Pages(int layers, size_t layer_bytes)
    : layer_bytes_((layer_bytes + kCacheLine - 1) / kCacheLine * kCacheLine),
      block_pages_(
          static_cast<int>(std::max<size_t>(1, kBlockBytes / (layer_bytes_ * static_cast<size_t>(layers))))),
      by_layer_(static_cast<size_t>(layers)) {}

void Pages::reserve(int count) {
  while (static_cast<int>(by_layer_.front().size()) < count) {
    HugeBuffer& block = blocks_.emplace_back(page_bytes() * static_cast<size_t>(block_pages_));
    std::byte* place = block.data();
    for (int page = 0; page < block_pages_; ++page) {
      for (std::vector<std::byte*>& layer : by_layer_) {
        layer.push_back(place);
        place += layer_bytes_;
      }
    }
  }
}

}  // namespace sizeup::cpu
