// Puts rows into a step and knows which page slots they write.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/engine/step.h"

namespace sizeup {

class StepBuilder {
 public:
  // Rows bring so many tokens before their own.
  explicit StepBuilder(int earlier_tokens = 0) { step_.earlier_count = earlier_tokens; }

  // Begins the next step.
  void clear();

  const Step& step() const { return step_; }
  int rows() const { return step_.rows(); }

  // The index of a page table with these pages, whose rows continue this state.
  int32_t add_table(const std::vector<int32_t>& pages, int32_t state);
  // The text's token at this position of the table's pages; its key and value go there.
  void add_row(std::span<const Token> text, int position, int32_t table);
  // The last row's next-token distribution is wanted; its targets follow.
  WantedRow& want_last_row();
  void add_target(Token target);

  // The first `positions` positions of page `from` go to page `to` as well. Those that only this step writes
  // cannot be copied before it: their rows write to both pages.
  void copy_page(int32_t from, int32_t to, int positions);

  // State `to` becomes what state `from` is now: after the last row of this step that continued it.
  void copy_state(int32_t from, int32_t to);

  void set_counts(int32_t pages, int32_t states) {
    step_.page_count = pages;
    step_.state_count = states;
  }

 private:
  static constexpr int32_t kNoRow = -1;
  using SlotRows = std::array<int32_t, kPagePositions>;  // the row that writes each slot in this step

  void write(const KeyValueWrite& write);
  void set_state_row(int32_t state, int32_t row);

  Step step_;
  std::vector<SlotRows> slot_rows_;     // by page
  std::vector<int32_t> written_pages_;  // whose slot_rows_ are not all kNoRow; may repeat
  std::vector<int32_t> state_rows_;     // by state: the row of this step that left it; beyond the end: none
};

}  // namespace sizeup
