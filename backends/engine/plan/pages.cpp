// Who holds which pages: continuations share, copy or take over those of their ancestors.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {

// What a continuation of `parent` (-1: nothing) finds. `first`: it has not continued it before. All rows of
// the nodes looked at are in a step already: their descendants come after them.
Plan::Held Plan::held_for(int parent, bool first) const {
  int holder = parent;
  while (holder >= 0 && node(holder).pages.empty()) holder = node(holder).tree.parent;
  if (holder < 0) return {};
  const Node& found = node(holder);
  const int positions = std::min(found.tree.end, static_cast<int>(found.pages.size()) * kPagePositions);
  return {.node = holder,
          .positions = positions,
          .taken_over = holder == parent && first && found.unstarted == 1};
}

// How many pages the continuation lacks.
int Plan::pages_needed(const Held& held, int positions) {
  const int kept = held.taken_over ? pages_for(held.positions) : held.positions / kPagePositions;
  return pages_for(positions) - kept;
}

// The continuation's pages for `positions` positions, of which the first held.positions are filled.
std::vector<int32_t> Plan::continue_pages(int parent, const Held& held, bool first, int positions) {
  std::vector<int32_t> pages;
  if (held.taken_over) {
    pages = std::move(node(held.node).pages);
    node(held.node).pages.clear();
  } else if (held.node >= 0) {
    const std::vector<int32_t>& source = node(held.node).pages;
    const auto full = static_cast<size_t>(held.positions / kPagePositions);
    pages.assign(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(full));
    for (const int32_t page : pages) pool_.retain(page);
    if (const int partial = held.positions % kPagePositions; partial > 0) {
      pages.push_back(pool_.allocate());
      builder_.copy_page(source[full], pages.back(), partial);
    }
  }
  while (static_cast<int>(pages.size()) < pages_for(positions)) pages.push_back(pool_.allocate());
  if (first && parent >= 0) --node(parent).unstarted;
  return pages;
}

// Somebody has computed again what was taken from the nodes from `index` up: they hold it for the others.
void Plan::restore_ancestors(int index, const std::vector<int32_t>& pages) {
  for (; index >= 0 && node(index).pages.empty(); index = node(index).tree.parent) {
    Node& ancestor = node(index);
    if (ancestor.unstarted == 0) continue;
    const int full = ancestor.tree.end / kPagePositions;
    ancestor.pages.assign(pages.begin(), pages.begin() + full);
    for (const int32_t page : ancestor.pages) pool_.retain(page);
    if (full > 0) holders_.push_back(index);
  }
}

void Plan::take_pages_of_tree() {
  std::erase_if(holders_, [&](int index) { return node(index).pages.empty(); });
  // A partly filled page is a node's own and costs the fewest rows; that of the first admitted is needed
  // last.
  for (const int index : holders_) {
    Node& holder = node(index);
    const auto full = static_cast<size_t>(holder.tree.end / kPagePositions);
    if (holder.next_row < holder.tree.end || holder.pages.size() <= full) continue;
    pool_.release(holder.pages.back());
    holder.pages.pop_back();
    return;
  }
  require(!holders_.empty(), "the limit holds the pages of any one request");
  release(node(holders_.back()).pages);
}

void Plan::release(std::vector<int32_t>& pages) {
  for (const int32_t page : pages) pool_.release(page);
  pages.clear();
}

}  // namespace sizeup
