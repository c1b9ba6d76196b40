// Puts rows into a step and knows which page slots they write.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "backends/engine/step.h"

namespace sizeup {

class StepBuilder {
 public:
  // Begins the next step.
  void clear();

  const Step& step() const { return step_; }
  int rows() const { return step_.rows(); }

  // The index of a page table with these pages.
  int32_t add_table(const std::vector<int32_t>& pages);
  // A token at this position of the table's pages; its key and value go there.
  void add_row(Token token, int position, int32_t table);
  // The last row's next-token distribution is wanted; its targets follow.
  WantedRow& want_last_row();
  void add_target(Token target);

  // The first `positions` positions of page `from` go to page `to` as well. Those that only this step writes
  // cannot be copied before it: their rows write to both pages.
  void copy_page(int32_t from, int32_t to, int positions);

  void set_page_count(int32_t count) { step_.page_count = count; }

 private:
  static constexpr int32_t kNoRow = -1;
  using SlotRows = std::array<int32_t, kPagePositions>;  // the row that writes each slot in this step

  void write(const KeyValueWrite& write);

  Step step_;
  std::vector<SlotRows> slot_rows_;     // by page
  std::vector<int32_t> written_pages_;  // whose slot_rows_ are not all kNoRow; may repeat
};

}  // namespace sizeup
