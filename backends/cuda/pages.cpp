#include "backends/cuda/pages.h"

#include <algorithm>

#include "backends/cuda/head_sizes.h"

namespace sizeup::cuda {

PageShape page_shape(const AttentionSpec& spec, Precision precision) {
  const bool rounded = precision == Precision::bfloat16;
  PageShape shape{.kv_heads = spec.kv_heads, .head_size = spec.head_size, .element_bytes = rounded ? 2 : 4};
  shape.pitch = rounded ? tile_head_size(spec.head_size)
                        : whole_pieces(spec.head_size, shape.element_bytes) * shape.piece_elements();
  shape.shift = swizzle_shift(shape.pieces());
  return shape;
}

PageLayout::PageLayout(const DecoderSpec& spec, Precision precision) {
  for (int index = 0; index < spec.layer_count(); ++index) {
    if (!spec.owns_keys(index)) {
      const int owner = spec.layer(index).kv_layer;
      layers_.push_back(owner == kNoKeys ? Layer{} : layers_[static_cast<size_t>(owner)]);
      continue;
    }
    const PageShape shape = page_shape(spec.attention(index), precision);
    layers_.push_back({page_bytes_, shape});
    for (int half = 0; half < 2 * shape.kv_heads; ++half) {
      halves_.push_back({static_cast<uint32_t>(page_bytes_ / kPieceBytes), shape.pieces()});
      page_bytes_ += shape.half_bytes();
    }
  }
}

PagesView PageLayout::layer(int index, std::byte* memory) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  return {memory + layer.begin, page_bytes_, layer.shape};
}

std::vector<int32_t> independent_runs(std::span<const PageCopy> copies) {
  std::vector<int32_t> ends;
  size_t begin = 0;
  for (size_t i = 0; i < copies.size(); ++i) {
    const bool clashes = std::ranges::any_of(copies.subspan(begin, i - begin), [&](const PageCopy& before) {
      return before.to == copies[i].from || before.to == copies[i].to || before.from == copies[i].to;
    });
    if (!clashes) continue;
    ends.push_back(static_cast<int32_t>(i));
    begin = i;
  }
  if (!copies.empty()) ends.push_back(static_cast<int32_t>(copies.size()));
  return ends;
}

}  // namespace sizeup::cuda
