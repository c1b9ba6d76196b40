// Who holds which pages: continuations share, copy or take over those of their ancestors.
#include <algorithm>
#include <utility>

#include "backends/engine/plan/plan.h"

namespace sizeup {

// What a continuation of `parent` (-1: nothing) finds. `first`: it has not continued it before. All rows of
// the nodes looked at are in a step already: their descendants come after them.
Plan::Held Plan::held_for(int parent, bool first) const {
  int holder = parent;
  while (holder >= 0 && node(holder).memory.empty()) holder = node(holder).tree.parent;
  if (holder < 0) return {};
  const Node& found = node(holder);
  const int positions =
      std::min(found.tree.end, static_cast<int>(found.memory.pages.size()) * kPagePositions);
  return {.node = holder,
          .positions = positions,
          .taken_over = holder == parent && first && found.unstarted == 1};
}

// How many pages the continuation lacks, its state counted as pages.
int Plan::pages_needed(const Held& held, int positions) const {
  if (held.taken_over) return pages_for(positions) - pages_for(held.positions);
  return pages_for(positions) - held.positions / kPagePositions + limits_.state_pages;
}

// The continuation's pages for `positions` positions, of which the first held.positions are filled, and a
// state that is that after those.
Plan::Memory Plan::continue_memory(int parent, const Held& held, bool first, int positions) {
  Memory memory;
  std::vector<int32_t>& pages = memory.pages;
  if (held.taken_over) {
    memory = std::exchange(node(held.node).memory, {});
  } else if (held.node >= 0) {
    const std::vector<int32_t>& source = node(held.node).memory.pages;
    const auto full = static_cast<size_t>(held.positions / kPagePositions);
    pages.assign(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(full));
    for (const int32_t page : pages) pool_.retain(page);
    if (const int partial = held.positions % kPagePositions; partial > 0) {
      pages.push_back(pool_.allocate());
      builder_.copy_page(source[full], pages.back(), partial);
    }
  }
  while (static_cast<int>(pages.size()) < pages_for(positions)) pages.push_back(pool_.allocate());
  if (has_states() && memory.state == kNoState) {
    memory.state = pool_.allocate_state();
    if (held.node >= 0) builder_.copy_state(node(held.node).memory.state, memory.state);
  }
  if (first && parent >= 0) --node(parent).unstarted;
  return memory;
}

// Somebody has computed again what was taken from the nodes from `index` up: they hold it for the others.
// Pages without the state after them would be of no use, and the state is gone on.
void Plan::restore_ancestors(int index, const std::vector<int32_t>& pages) {
  if (has_states()) return;
  for (; index >= 0 && node(index).memory.empty(); index = node(index).tree.parent) {
    Node& ancestor = node(index);
    if (ancestor.unstarted == 0) continue;
    const int full = ancestor.tree.end / kPagePositions;
    ancestor.memory.pages.assign(pages.begin(), pages.begin() + full);
    for (const int32_t page : ancestor.memory.pages) pool_.retain(page);
    if (full > 0) holders_.push_back(index);
  }
}

void Plan::take_pages_of_tree() {
  std::erase_if(holders_, [&](int index) { return node(index).memory.empty(); });
  if (take_a_last_page()) return;
  require(!holders_.empty(), "the limit holds the pages of any one request");
  release(node(holders_.back()).memory);
}

// A partly filled page is a node's own and costs the fewest rows; that of the first admitted is needed last.
// So is a state; the full pages that go with it are mostly held by the node's descendants as well.
bool Plan::take_a_last_page() {
  for (const int index : holders_) {
    Node& holder = node(index);
    if (holder.next_row < holder.tree.end) continue;
    if (has_states()) {
      release(holder.memory);
      return true;
    }
    std::vector<int32_t>& pages = holder.memory.pages;
    if (pages.size() <= static_cast<size_t>(holder.tree.end / kPagePositions)) continue;
    pool_.release(pages.back());
    pages.pop_back();
    return true;
  }
  return false;
}

void Plan::release(Memory& memory) {
  for (const int32_t page : memory.pages) pool_.release(page);
  if (memory.state != kNoState) pool_.release_state(memory.state);
  memory = {};
}

}  // namespace sizeup
