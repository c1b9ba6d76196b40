#include "backends/metal/key_selection.h"

#include <algorithm>

#include "backends/metal/encode.h"
#include "backends/metal/memory.h"

namespace sizeup::metal {
namespace {

using namespace metal_kernels;

size_t floats(int rows, int columns) {
  return std::max<size_t>(static_cast<size_t>(rows) * static_cast<size_t>(columns), 1) * sizeof(float);
}

// A grid of (column, line).
Launch each_column(int columns, int lines) {
  return {{groups_for(columns, kSimdThreads), lines}, kSimdThreads};
}

}  // namespace

KeySelection::KeySelection(const DecoderSpec& spec, Queue& queue) : queue_(queue) {
  for (const LayerSpec& layer : spec.layers) {
    const auto& index = layer.attention.index;
    if (!index) continue;
    greatest_head_ = std::max(greatest_head_, index->head_size);
    if (std::ranges::find(plans_, index->block, &Plan::block) == plans_.end())
      plans_.push_back(
          {.block = index->block, .ends = 0, .most = 0, .block_ends = {}, .first_positions = {}});
  }
}

const KeySelection::Plan& KeySelection::plan(int block) const {
  return *std::ranges::find(plans_, block, &Plan::block);
}

void KeySelection::begin(const Step& step, StepUpload& upload) {
  for (Plan& plan : plans_) {
    std::vector<BlockEnd> ends;
    std::vector<int32_t> first_positions;
    for (const KeyValueWrite& write : step.writes) {
      const int last = step.positions[static_cast<size_t>(write.row)];
      if ((last + 1) % plan.block != 0) continue;
      const auto table = static_cast<size_t>(step.tables[static_cast<size_t>(write.row)]);
      ends.push_back({.last_position = last, .first_page = step.table_begin[table], .page = write.page});
      first_positions.push_back(last - plan.block + 1);
    }
    plan.ends = static_cast<int>(ends.size());
    plan.most = (*std::ranges::max_element(step.positions) + 1) / plan.block;
    plan.block_ends = upload.add<BlockEnd>(ends);
    plan.first_positions = upload.add<int32_t>(first_positions);
    require_bytes(queue_, means_, floats(plan.ends, greatest_head_));
    require_bytes(queue_, worths_, floats(step.rows(), plan.most));
    require_bytes(queue_, chosen_, floats(step.rows(), plan.most));
  }
}

KeySelection::Means KeySelection::average(const Pages& pages, const KeyNorm& norm, const StepUpload& upload) {
  const Plan& own = plan(pages.part.block);
  const Binding means{means_.get()};
  const int size = pages.part.head_size;
  encode(queue_, {"average_keys"}, {pages.values, pages.numbers, upload.at(own.block_ends), means},
         pages.part, each_column(size, own.ends));
  encode(
      queue_, {"norm", {{"norm_formula", kRootMeanSquare}, {"norm_has_bias", 0}, {"norm_adds", 0}}},
      {means, norm.weight, norm.weight, means},
      NormParameters{
          .epsilon = norm.epsilon, .columns = size, .in_stride = size, .out_stride = size, .first_column = 0},
      {{1, own.ends}, kRowThreads});
  return {.values = means, .positions = upload.at(own.first_positions), .count = own.ends};
}

void KeySelection::write(const Pages& pages, const StepUpload& upload) {
  const Plan& own = plan(pages.part.block);
  encode(queue_, {"write_block_keys"}, {{means_.get()}, upload.at(own.block_ends), pages.values}, pages.part,
         each_column(pages.part.head_size, own.ends));
}

void KeySelection::choose(const IndexSpec& index, const Pages& pages, const Rows& rows) {
  const int most = plan(index.block).most;
  const Binding worths{worths_.get()};
  encode(queue_, {"weigh_blocks"},
         {rows.values, pages.values, pages.positions, pages.first_pages, pages.numbers, worths},
         WeighParameters{.part = pages.part, .stride = rows.stride, .heads = index.heads, .blocks = most},
         each_column(most, rows.count));
  encode(queue_, {"choose_blocks"}, {worths, pages.positions, chosen()},
         ChooseParameters{.block = index.block, .blocks = most, .chosen = index.chosen},
         each_column(most, rows.count));
}

}  // namespace sizeup::metal
