// Rows of answers. Those that run are the oldest; when memory is short the youngest of them makes room.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {

void Plan::add_running_rows() {
  for (size_t i = 0; i < running_ && room() > 0; ++i) {
    if (grow(i)) add_generation_rows(i);
  }
}

// Finds a page for the answer's next token if it needs one. Only younger answers lose theirs for it, which
// have no rows in this step yet; the oldest takes from the tree too.
bool Plan::grow(size_t index) {
  Generation& generation = generations_[index];
  const auto needed =
      static_cast<size_t>(pages_for(static_cast<int>(request(generation.request).tokens.size())));
  if (generation.memory.pages.size() >= needed) return true;
  while (pool_.available() == 0) {
    if (index == 0 && running_ == 1) {
      take_pages_of_tree();
    } else {
      interrupt_last();
      if (index == running_) return false;
    }
  }
  generation.memory.pages.push_back(pool_.allocate());
  return true;
}

void Plan::interrupt_last() {
  release(generations_[running_ - 1].memory);
  --running_;
}

void Plan::start_generations() {
  while (running_ < generations_.size() && room() > 0) {
    Generation& next = generations_[running_];
    const int positions = static_cast<int>(request(next.request).tokens.size());
    const bool first = !next.started;
    const Held held = held_for(next.node, first);
    // Those that run are each left one page to grow by, or this one would soon be interrupted.
    const int spare = static_cast<int>(running_);
    if (pool_.available() < pages_needed(held, positions) + spare) return;
    next.memory = continue_memory(next.node, held, first, positions);
    next.started = true;
    next.next_row = held.positions;
    add_generation_rows(running_++);
  }
}

// Usually one row: the token chosen last. After an interruption those before it come first.
void Plan::add_generation_rows(size_t index) {
  Generation& generation = generations_[index];
  const TokenRequest& asked = request(generation.request);
  const int last = static_cast<int>(asked.tokens.size()) - 1;
  const int32_t table = builder_.add_table(generation.memory.pages, generation.memory.state);
  const int end = std::min(last + 1, generation.next_row + room());
  counts_.rows_recomputed += std::min(end, last) - generation.next_row;
  const bool catches_up = generation.next_row < last;
  for (; generation.next_row < end; ++generation.next_row) {
    builder_.add_row(asked.tokens, generation.next_row, table);
  }
  if (end <= last) return;
  if (catches_up) restore_ancestors(generation.node, generation.memory.pages);
  WantedRow& wanted = builder_.want_last_row();
  wanted.top_count = asked.top_count;
  wanted.distribution = asked.distribution;
  wanted_uses_.push_back({.node = -1, .generation = static_cast<int>(index)});
}

}  // namespace sizeup
