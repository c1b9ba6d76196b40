#include "backends/engine/plan/plan.h"

#include <algorithm>

namespace sizeup {
namespace {

void check(const TokenRequest& request) {
  require(!request.tokens.empty(), "a request has tokens");
  require(request.targets.empty() != (request.max_new_tokens == 0), "a request either scores or generates");
  require(request.targets.empty() || request.first_target + request.targets.size() == request.tokens.size(),
          "every target follows a token");
}

// One page and one state more than the request needs: its prompt's last page is better kept beside its own
// copy than computed again for the next answer to the same prompt.
int most_pages(const TokenRequest& request, int state_pages) {
  const int fed_back = std::max(0, request.max_new_tokens - 1);
  return pages_for(static_cast<int>(request.tokens.size()) + fed_back) + 1 + 2 * state_pages;
}

}  // namespace

Plan::Plan(const PlanLimits& limits)
    : limits_{.max_rows = std::max(1, limits.max_rows),
              .pages = std::max(1, limits.pages),
              .share_prefixes = limits.share_prefixes,
              .weight_rows = limits.state_pages > 0 ? 0 : limits.weight_rows,
              .state_pages = std::max(0, limits.state_pages),
              .earlier_tokens = limits.earlier_tokens},
      pool_(limits_.pages, limits_.state_pages),
      builder_(limits_.earlier_tokens) {}

int64_t Plan::add(std::vector<TokenRequest> requests) {
  forget_finished();
  const int first_request = static_cast<int>(requests_.size());
  const int first_node = static_cast<int>(nodes_.size());
  for (const TokenRequest& one : requests) {
    check(one);
    pool_.raise_limit(most_pages(one, limits_.state_pages));
    targets_left_.push_back(static_cast<int>(one.targets.size()));
  }
  std::vector<bool> owns(requests.size(), false);
  for (PrefixNode& tree : build_prefix_tree(requests, limits_.share_prefixes)) {
    counts_.rows_unique += tree.end - tree.begin;
    owns[static_cast<size_t>(tree.owner)] = true;
    if (tree.parent >= 0) tree.parent += first_node;
    tree.owner += first_request;
    for (int& scored : tree.scored) scored += first_request;
    for (int& generating : tree.generating) generating += first_request;
    const int unstarted = tree.children + static_cast<int>(tree.generating.size());
    nodes_.push_back({.tree = std::move(tree), .unstarted = unstarted});
  }
  for (size_t r = 0; r < requests.size(); ++r) {
    // Nobody reads these again: three of the four letters of a choice have the same tokens as the first.
    if (!owns[r] && requests[r].max_new_tokens == 0) requests[r].tokens = std::vector<Token>();
    requests_.push_back(std::move(requests[r]));
  }
  added_.push_back({static_cast<int>(requests_.size()), static_cast<int>(nodes_.size())});
  return first_request_ + first_request;
}

bool Plan::idle() const {
  return cursor_ == nodes_.size() && generations_.empty();
}

const Step& Plan::next_step() {
  require(!idle(), "a step is asked for only while there is work");
  build_step();
  // Nothing runs, so the tree holds all memory: enough is taken for the first in line.
  while (builder_.rows() == 0) {
    take_pages_of_tree();
    build_step();
  }
  builder_.set_counts(pool_.page_count(), pool_.state_count());
  counts_.rows_computed += builder_.rows();
  return builder_.step();
}

void Plan::build_step() {
  builder_.clear();
  wanted_uses_.clear();
  target_uses_.clear();
  answers_beginning_ = 0;
  add_running_rows();
  start_generations();
  add_node_rows();
  add_drafts();
}

}  // namespace sizeup
