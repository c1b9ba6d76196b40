#include "backends/metal/attention_layers.h"

#include <algorithm>

#include "backends/engine/key_index.h"
#include "backends/metal/encode.h"
#include "core/errors/result.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

static_assert(kPositions == kPagePositions);
static_assert(sizeof(KeyWrite) == sizeof(KeyValueWrite));
static_assert(static_cast<int>(RotaryLayout::half_split) == kHalfSplit);
static_assert(static_cast<int>(RotaryLayout::interleaved) == kInterleaved);

// Angles are made for so many positions at once: a text that grows does not have them made again at each
// token.
constexpr int kAnglePositions = 1024;

int up_to(int count, int unit) {
  return (count + unit - 1) / unit * unit;
}

std::vector<AttentionTile> tiles_of(const Step& step) {
  std::vector<AttentionTile> tiles;
  for (int row = 0; row < step.rows(); ++row) {
    const auto at = static_cast<size_t>(row);
    const bool continues =
        row > 0 && step.tables[at] == step.tables[at - 1] && step.positions[at] == step.positions[at - 1] + 1;
    if (!continues || tiles.back().rows == kTileLines) tiles.push_back({.first_row = row, .rows = 0});
    ++tiles.back().rows;
  }
  return tiles;
}

}  // namespace

AttentionLayers::AttentionLayers(const DecoderSpec& spec, Queue& queue)
    : spec_(spec), queue_(queue), selection_(spec, queue) {
  for (int layer = 0; layer < spec.layer_count(); ++layer) {
    const AttentionSpec& attention = spec.attention(layer);
    layer_floats_.push_back(page_floats_);
    if (spec.owns_keys(layer)) page_floats_ += 2 * attention.kv_width() * kPositions;
    index_floats_.push_back(page_floats_);
    if (attention.index) page_floats_ += static_cast<int>(index_page_floats(*attention.index));
    if (!attention.rotary) continue;
    if (std::ranges::find(angles_, *attention.rotary, &Angles::spec) != angles_.end()) continue;
    angles_.push_back({.spec = *attention.rotary,
                       .angles = RotaryAngles(*attention.rotary),
                       .positions = 0,
                       .cosines = nullptr,
                       .sines = nullptr});
  }
}

PagePart AttentionLayers::part(int layer) const {
  const AttentionSpec& spec = spec_.attention(layer);
  return {.page_floats = page_floats_,
          .layer_floats = layer_floats_[static_cast<size_t>(layer)],
          .kv_heads = spec.kv_heads,
          .head_size = spec.head_size};
}

IndexPart AttentionLayers::index_part(int layer) const {
  const IndexSpec& index = *spec_.attention(layer).index;
  return {.page_floats = page_floats_,
          .index_floats = index_floats_[static_cast<size_t>(layer)],
          .head_size = index.head_size,
          .block = index.block};
}

void AttentionLayers::begin(const Step& step, StepUpload& upload) {
  grow_pages(step.page_count);
  for (const PageCopy& copy : step.copies) copy_positions(copy);
  prepare_angles(*std::ranges::max_element(step.positions));
  std::vector<int32_t> first_pages;
  for (const int32_t table : step.tables) first_pages.push_back(step.table_begin[static_cast<size_t>(table)]);
  writes_ = static_cast<int>(step.writes.size());
  positions_ = upload.add<int32_t>(step.positions);
  first_pages_ = upload.add<int32_t>(first_pages);
  page_numbers_ = upload.add<int32_t>(step.pages);
  key_writes_ = upload.add<KeyValueWrite>(step.writes);
  const std::vector<AttentionTile> tiles = tiles_of(step);
  tile_count_ = static_cast<int>(tiles.size());
  tiles_ = upload.add<AttentionTile>(tiles);
  selection_.begin(step, upload);
}

// The old pages and the new ones are there at once, so memory is counted for that (metal_device.cpp).
void AttentionLayers::grow_pages(int count) {
  if (count <= pages_held_) return;
  count = std::max(count, 2 * pages_held_);
  std::unique_ptr<Buffer> larger =
      queue_.make_buffer(std::max(static_cast<size_t>(count) * page_bytes(), sizeof(float)));
  if (pages_ != nullptr) std::ranges::copy(pages_->bytes(), larger->bytes().begin());
  pages_ = std::move(larger);
  pages_held_ = count;
}

void AttentionLayers::copy_positions(const PageCopy& copy) {
  const std::span<float> all = values_in<float>(*pages_);
  const auto begin = [&](int32_t page) {
    return static_cast<size_t>(page) * static_cast<size_t>(page_floats_);
  };
  const std::span<const float> from = all.subspan(begin(copy.from), static_cast<size_t>(page_floats_));
  const std::span<float> to = all.subspan(begin(copy.to), static_cast<size_t>(page_floats_));
  const auto positions = static_cast<size_t>(copy.positions);
  for (int layer = 0; layer < spec_.layer_count(); ++layer) {
    if (!spec_.owns_keys(layer)) continue;
    const AttentionSpec& spec = spec_.attention(layer);
    const auto width = static_cast<size_t>(spec.kv_width());
    const auto size = static_cast<size_t>(spec.head_size);
    size_t at = static_cast<size_t>(layer_floats_[static_cast<size_t>(layer)]);
    for (size_t column = 0; column < width; ++column, at += kPositions)
      std::ranges::copy(from.subspan(at, positions), to.subspan(at).begin());
    for (size_t head = 0; head < width / size; ++head, at += kPositions * size)
      std::ranges::copy(from.subspan(at, positions * size), to.subspan(at).begin());
    // Keys of later positions and blocks come along; whoever continues the copy writes its own first.
    if (!spec.index) continue;
    at = static_cast<size_t>(index_floats_[static_cast<size_t>(layer)]);
    std::ranges::copy(from.subspan(at, index_page_floats(*spec.index)), to.subspan(at).begin());
  }
}

void AttentionLayers::prepare_angles(int last) {
  for (Angles& one : angles_) {
    if (last < one.positions) continue;
    one.positions = up_to(last + 1, kAnglePositions);
    one.angles.prepare(one.positions - 1);
    const auto pairs = static_cast<size_t>(one.angles.pairs());
    const size_t bytes = static_cast<size_t>(one.positions) * pairs * sizeof(float);
    one.cosines = queue_.make_buffer(bytes);
    one.sines = queue_.make_buffer(bytes);
    for (int position = 0; position < one.positions; ++position) {
      const size_t at = static_cast<size_t>(position) * pairs;
      std::ranges::copy(one.angles.cosines(position), values_in<float>(*one.cosines).subspan(at).begin());
      std::ranges::copy(one.angles.sines(position), values_in<float>(*one.sines).subspan(at).begin());
    }
  }
}

const AttentionLayers::Angles& AttentionLayers::angles_of(const RotarySpec& rotary) const {
  const auto found = std::ranges::find(angles_, rotary, &Angles::spec);
  require(found != angles_.end(), "every layer's angles are known");
  return *found;
}

void AttentionLayers::rotate(const RotarySpec& rotary, const Rows& rows, int heads, int head_size,
                             Binding positions) {
  const Angles& angles = angles_of(rotary);
  encode(queue_, {"rotate", {{"rotary_pairs", static_cast<int>(rotary.layout)}}},
         {rows.values, positions, {angles.cosines.get()}, {angles.sines.get()}},
         RotaryParameters{.stride = rows.stride, .head_size = head_size, .dimensions = rotary.dimensions},
         {{groups_for(rotary.dimensions / 2, kSimdThreads), heads, rows.count}, kSimdThreads});
}

void AttentionLayers::rotate_and_write(int layer, const Rows& rows, const StepUpload& upload) {
  const AttentionSpec& spec = spec_.attention(layer);
  const bool keys = spec_.owns_keys(layer);
  const int heads = spec.heads + (keys ? spec.kv_heads : 0);
  if (spec.rotary) rotate(*spec.rotary, rows, heads, spec.head_size, upload.at(positions_));
  if (!keys) return;
  encode(queue_, {"write_keys_values"}, {rows.values, upload.at(key_writes_), {pages_.get()}},
         WriteParameters{.part = part(layer), .stride = rows.stride, .key_column = spec.query_width()},
         {{groups_for(spec.kv_width(), kSimdThreads), writes_}, kSimdThreads});
}

void AttentionLayers::select_keys(int layer, const Rows& rows, const KeyNorm& norm,
                                  const StepUpload& upload) {
  const AttentionSpec& spec = spec_.attention(layer);
  const IndexSpec& index = *spec.index;
  const KeySelection::Pages pages{.part = index_part(layer),
                                  .values = {pages_.get()},
                                  .numbers = upload.at(page_numbers_),
                                  .first_pages = upload.at(first_pages_),
                                  .positions = upload.at(positions_)};
  encode(queue_, {"write_index_keys"}, {rows.values, upload.at(key_writes_), pages.values},
         IndexWriteParameters{.part = pages.part, .stride = rows.stride, .key_column = index.query_width()},
         {{groups_for(index.head_size, kSimdThreads), writes_}, kSimdThreads});
  const KeySelection::Means means = selection_.average(pages, norm, upload);
  rotate(*spec.rotary, {.values = means.values, .stride = index.head_size, .count = means.count}, 1,
         index.head_size, means.positions);
  selection_.write(pages, upload);
  rotate(*spec.rotary, rows, index.heads, index.head_size, pages.positions);
  selection_.choose(index, pages, {.values = rows.values, .stride = rows.stride, .count = rows.count});
}

void AttentionLayers::attend(int layer, const Rows& rows, Buffer* sinks, Binding out,
                             const StepUpload& upload) {
  const AttentionSpec& spec = spec_.attention(layer);
  encode(queue_,
         {"attention",
          {{"attention_has_sinks", sinks != nullptr ? 1 : 0},
           {"attention_caps", spec.score_cap != 0.0F ? 1 : 0},
           {"attention_chooses", spec.index ? 1 : 0},
           {"uses_matrices", queue_.has_matrices() ? 1 : 0}}},
         {rows.values,
          {pages_.get()},
          upload.at(positions_),
          upload.at(first_pages_),
          upload.at(page_numbers_),
          sinks != nullptr ? Binding{sinks} : rows.values,
          spec.index ? selection_.chosen() : rows.values,
          upload.at(tiles_),
          out},
         AttentionParameters{.part = part(spec_.layer(layer).kv_layer),
                             .scale = spec.score_scale(),
                             .cap = spec.score_cap,
                             .heads = spec.heads,
                             .window = spec.window,
                             .query_stride = rows.stride,
                             .block = spec.index ? spec.index->block : 0,
                             .blocks = spec.index ? selection_.blocks(*spec.index) : 0},
         {{spec.heads, tile_count_, groups_for(spec.head_size, kHeadColumns)}, kTileThreads});
}

}  // namespace sizeup::metal
