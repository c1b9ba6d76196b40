// Rows of the tree: nodes are computed one after the other, depth first.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {

void Plan::add_node_rows() {
  while (cursor_ < nodes_.size() && room() > 0) {
    const int index = static_cast<int>(cursor_);
    if (node(index).memory.empty() && !admit(index)) return;
    add_rows(index);
    if (node(index).next_row < node(index).tree.end) return;
    restore_ancestors(node(index).tree.parent, node(index).memory.pages);
    finished_nodes_.push_back(index);
    answers_beginning_ += node(index).tree.generating.size();
    ++cursor_;
  }
}

// Finds pages for the whole node, if there are enough.
bool Plan::admit(int index) {
  Node& admitted = node(index);
  const PrefixNode& tree = admitted.tree;
  const bool first = !admitted.started;
  const Held held = held_for(tree.parent, first);
  // Each answer is left one page to grow by, or it would soon be interrupted.
  const int spare = static_cast<int>(generations_.size() + answers_beginning_);
  if (pool_.available() < pages_needed(held, tree.end) + spare) return false;
  admitted.memory = continue_memory(tree.parent, held, first, tree.end);
  admitted.started = true;
  admitted.next_row = held.positions;
  holders_.push_back(index);
  return true;
}

void Plan::add_rows(int index) {
  Node& current = node(index);
  const std::vector<Token>& tokens = request(current.tree.owner).tokens;
  const int32_t table = builder_.add_table(current.memory.pages, current.memory.state);
  const int known = std::max(current.tree.begin, current.reached);
  const int end = std::min(current.tree.end, current.next_row + room());
  for (; current.next_row < end; ++current.next_row) {
    builder_.add_row(tokens, current.next_row, table);
    if (current.next_row < known) {
      ++counts_.rows_recomputed;
    } else {
      want_row(index, current.next_row);
    }
  }
  current.reached = std::max(current.reached, current.next_row);
}

// Asks for what is wanted after the row at `position`, which was just added.
void Plan::want_row(int index, int position) {
  const PrefixNode& tree = node(index).tree;
  const bool answers_begin = position + 1 == tree.end && !tree.generating.empty();
  const bool scored = std::any_of(tree.scored.begin(), tree.scored.end(),
                                  [&](int r) { return position >= request(r).first_target; });
  if (!scored && !answers_begin) return;

  WantedRow& wanted = builder_.want_last_row();
  for (const int r : tree.scored) {
    const TokenRequest& asked = request(r);
    const int target = position - asked.first_target;
    if (target < 0) continue;
    builder_.add_target(asked.targets[static_cast<size_t>(target)]);
    target_uses_.push_back({.request = r, .index = target});
    wanted.top_count = std::max<int32_t>(wanted.top_count, asked.top_count);
  }
  if (answers_begin) {
    for (const int r : tree.generating) {
      wanted.top_count = std::max<int32_t>(wanted.top_count, request(r).top_count);
      wanted.distribution = wanted.distribution || request(r).distribution;
    }
  }
  wanted_uses_.push_back({.node = answers_begin ? index : -1, .generation = -1});
}

}  // namespace sizeup
