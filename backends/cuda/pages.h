// Memory of key/value pages: one page after the other, each with the layers' parts side by side.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/cuda/page_index.h"
#include "backends/engine/decoder_spec.h"
#include "backends/engine/device.h"

namespace sizeup::cuda {

// One layer's part of all pages.
struct PagesView {
  std::byte* first = nullptr;  // the layer's part of page 0
  size_t page_bytes = 0;       // from a page to the next
  PageShape shape;
};

// A layer's keys and values of a page: what kernels of `precision` read, with the padding that they need.
PageShape page_shape(const AttentionSpec& spec, Precision precision);

// Keys, or values, of one head of a layer within a page.
struct PageHalf {
  uint32_t begin = 0;  // in pieces, from the page's begin
  int32_t position_pieces = 0;
};

class PageLayout {
 public:
  PageLayout(const DecoderSpec& spec, Precision precision);

  size_t page_bytes() const { return page_bytes_; }
  // Of a layer that has keys of its own, or of the one whose keys it reads. `memory` holds the pages, on 256
  // bytes' boundary.
  PagesView layer(int index, std::byte* memory) const;
  // Of all layers; for copy_pages.
  std::span<const PageHalf> halves() const { return halves_; }

 private:
  struct Layer {
    size_t begin = 0;
    PageShape shape;
  };

  std::vector<Layer> layers_;
  std::vector<PageHalf> halves_;
  size_t page_bytes_ = 0;
};

// Copies that read nothing that another of them writes and write nothing twice: `copies` cut into the fewest
// such runs. Each is the end of one.
std::vector<int32_t> independent_runs(std::span<const PageCopy> copies);

// One run of copies, all layers. Everything is on the device.
struct CopyWork {
  std::byte* memory = nullptr;
  size_t page_bytes = 0;
  const PageHalf* halves = nullptr;
  int half_count = 0;
  const PageCopy* copies = nullptr;
  int copy_count = 0;
};
void copy_pages(const CopyWork& work, cudaStream_t stream);

}  // namespace sizeup::cuda
