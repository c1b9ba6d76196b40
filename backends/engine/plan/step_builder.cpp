#include "backends/engine/plan/step_builder.h"

#include <algorithm>

namespace sizeup {

void StepBuilder::clear() {
  for (const int32_t page : written_pages_) slot_rows_[static_cast<size_t>(page)].fill(kNoRow);
  written_pages_.clear();
  state_rows_.clear();
  step_.tokens.clear();
  step_.positions.clear();
  step_.tables.clear();
  step_.earlier.clear();
  step_.table_begin.assign(1, 0);
  step_.pages.clear();
  step_.states.clear();
  step_.copies.clear();
  step_.state_copies.clear();
  step_.writes.clear();
  step_.state_forks.clear();
  step_.wanted.clear();
  step_.targets.clear();
}

int32_t StepBuilder::add_table(const std::vector<int32_t>& pages, int32_t state) {
  step_.states.push_back(state);
  step_.pages.insert(step_.pages.end(), pages.begin(), pages.end());
  step_.table_begin.push_back(static_cast<int32_t>(step_.pages.size()));
  return static_cast<int32_t>(step_.table_begin.size()) - 2;
}

void StepBuilder::add_row(std::span<const Token> text, int position, int32_t table) {
  step_.tokens.push_back(text[static_cast<size_t>(position)]);
  for (int before = position - 1; before >= position - step_.earlier_count; --before)
    step_.earlier.push_back(before < 0 ? kNoToken : text[static_cast<size_t>(before)]);
  step_.positions.push_back(position);
  step_.tables.push_back(table);
  write({.row = rows() - 1,
         .page = step_.table(table)[static_cast<size_t>(position / kPagePositions)],
         .offset = position % kPagePositions});
  if (step_.state_of(rows() - 1) != kNoState) set_state_row(step_.state_of(rows() - 1), rows() - 1);
}

WantedRow& StepBuilder::want_last_row() {
  return step_.wanted.emplace_back(
      WantedRow{.row = rows() - 1, .target_begin = static_cast<int32_t>(step_.targets.size())});
}

void StepBuilder::add_target(Token target) {
  step_.targets.push_back(target);
  ++step_.wanted.back().target_count;
}

void StepBuilder::copy_page(int32_t from, int32_t to, int positions) {
  SlotRows now;
  now.fill(kNoRow);
  if (static_cast<size_t>(from) < slot_rows_.size()) now = slot_rows_[static_cast<size_t>(from)];
  const auto end = now.begin() + positions;
  if (std::find(now.begin(), end, kNoRow) != end) step_.copies.push_back({from, to, positions});
  for (int offset = 0; offset < positions; ++offset) {
    const int32_t row = now[static_cast<size_t>(offset)];
    if (row != kNoRow) write({.row = row, .page = to, .offset = offset});
  }
}

void StepBuilder::copy_state(int32_t from, int32_t to) {
  const int32_t row =
      static_cast<size_t>(from) < state_rows_.size() ? state_rows_[static_cast<size_t>(from)] : kNoRow;
  if (row == kNoRow) {
    step_.state_copies.push_back({from, to});
  } else {
    step_.state_forks.push_back({row, to});
    set_state_row(to, row);
  }
}

void StepBuilder::set_state_row(int32_t state, int32_t row) {
  const auto index = static_cast<size_t>(state);
  if (state_rows_.size() <= index) state_rows_.resize(index + 1, kNoRow);
  state_rows_[index] = row;
}

void StepBuilder::write(const KeyValueWrite& write) {
  step_.writes.push_back(write);
  const auto page = static_cast<size_t>(write.page);
  while (slot_rows_.size() <= page) slot_rows_.emplace_back().fill(kNoRow);
  slot_rows_[page][static_cast<size_t>(write.offset)] = write.row;
  if (written_pages_.empty() || written_pages_.back() != write.page) written_pages_.push_back(write.page);
}

}  // namespace sizeup
