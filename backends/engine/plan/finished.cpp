// What has been answered is forgotten, or a server's plan would grow for ever.
#include <algorithm>

#include "backends/engine/plan/plan.h"

namespace sizeup {
namespace {

// A request's own tokens and targets go when it is finished (finish_request), or are never kept.
bool is_finished(const TokenRequest& request) {
  return request.targets.empty() && (request.max_new_tokens == 0 || request.tokens.empty());
}

}  // namespace

// Calls of add() go together and in order: nodes name only requests of their own call. Once all of these have
// been answered, nobody continues the call's nodes, and all their pages were given back. What comes after
// moves to the front, so only when that is at most as much as goes: a request is moved once on average.
void Plan::forget_finished() {
  const auto count = static_cast<int>(requests_.size());
  while (finished_ < count && is_finished(request(finished_))) ++finished_;
  int requests = 0;
  int nodes = 0;
  size_t calls = 0;
  for (const Added& added : added_) {
    if (added.request_end > finished_) break;
    requests = added.request_end;
    nodes = added.node_end;
    ++calls;
  }
  if (requests == 0 || 2 * requests < count) return;
  added_.erase(added_.begin(), added_.begin() + static_cast<std::ptrdiff_t>(calls));
  forget(requests, nodes);
}

void Plan::forget(int requests, int nodes) {
  require(static_cast<size_t>(nodes) <= cursor_ &&
              std::all_of(nodes_.begin(), nodes_.begin() + nodes,
                          [](const Node& one) { return one.memory.empty(); }),
          "what was answered was computed and holds no pages");
  requests_.erase(requests_.begin(), requests_.begin() + requests);
  targets_left_.erase(targets_left_.begin(), targets_left_.begin() + requests);
  nodes_.erase(nodes_.begin(), nodes_.begin() + nodes);
  first_request_ += requests;
  finished_ -= requests;
  cursor_ -= static_cast<size_t>(nodes);
  for (Added& added : added_) {
    added.request_end -= requests;
    added.node_end -= nodes;
  }
  for (Node& kept : nodes_) {
    PrefixNode& tree = kept.tree;
    if (tree.parent >= 0) tree.parent -= nodes;
    tree.owner -= requests;
    for (int& scored : tree.scored) scored -= requests;
    for (int& generating : tree.generating) generating -= requests;
  }
  for (int& holder : holders_) holder -= nodes;
  for (Generation& generation : generations_) {
    generation.request -= requests;
    generation.node -= nodes;
  }
}

}  // namespace sizeup
