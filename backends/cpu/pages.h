// Memory of key/value pages, or of states: one after the other, each with its layers side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/memory/huge_buffer.h"

namespace sizeup::cpu {

class Pages {
 public:
  // Bytes of each layer's part of a page; of layers without keys, or states, of their own 0.
  explicit Pages(std::span<const size_t> layer_bytes);

  size_t page_bytes() const { return page_bytes_; }
  // Makes pages [0, count) exist; contents stay.
  void reserve(int count);
  // One layer's part of every page, by page number.
  std::span<std::byte* const> layer(int index) const { return by_layer_[static_cast<size_t>(index)]; }

 private:
  std::vector<size_t> layer_bytes_;  // whole cache lines
  size_t page_bytes_ = 0;
  std::vector<HugeBuffer> blocks_;  // of several pages, so that small pages share huge ones
  int block_pages_ = 1;
  std::vector<std::vector<std::byte*>> by_layer_;
};

}  // namespace sizeup::cpu
