#include "backends/engine/plan/prefix_tree.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace sizeup {
namespace {

constexpr int kNone = -1;

class TreeBuilder {
 public:
  TreeBuilder(std::span<const TokenRequest> requests, bool share_prefixes)
      : requests_(requests), share_prefixes_(share_prefixes) {}

  std::vector<PrefixNode> build() {
    for (int r = 0; r < static_cast<int>(requests_.size()); ++r) terminals_.push_back(insert(r));
    for (int r = 0; r < static_cast<int>(requests_.size()); ++r) attach(r);
    return depth_first();
  }

 private:
  // Children by parent and first token: one table instead of one in each node.
  static uint64_t edge(int parent, Token first) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(parent + 1)) << 32) | static_cast<uint32_t>(first);
  }

  const std::vector<Token>& tokens(int request) const {
    return requests_[static_cast<size_t>(request)].tokens;
  }
  Token token(int request, int position) const { return tokens(request)[static_cast<size_t>(position)]; }
  PrefixNode& node(int index) { return nodes_[static_cast<size_t>(index)]; }

  int insert(int request) {
    const int length = static_cast<int>(tokens(request).size());
    int parent = kNone;
    int position = 0;
    while (share_prefixes_ && position < length) {
      const auto found = edges_.find(edge(parent, token(request, position)));
      if (found == edges_.end()) break;
      int child = found->second;
      const int same = common_end(child, request, position, length);
      if (same < node(child).end) child = split(child, same);
      parent = child;
      position = same;
    }
    return position < length ? add(parent, request, position, length) : parent;
  }

  int common_end(int child, int request, int position, int length) {
    const PrefixNode& other = node(child);
    const Token* mine = tokens(request).data();
    const Token* theirs = tokens(other.owner).data();
    const int end = std::min(other.end, length);
    return static_cast<int>(std::mismatch(mine + position, mine + end, theirs + position).first - mine);
  }

  int add(int parent, int request, int begin, int end) {
    const int index = static_cast<int>(nodes_.size());
    nodes_.push_back({.parent = parent, .owner = request, .begin = begin, .end = end});
    if (share_prefixes_) edges_[edge(parent, token(request, begin))] = index;
    return index;
  }

  // Cuts a node at `position`: the new node is the upper part and takes the lower one's place.
  int split(int lower, int position) {
    const int upper = static_cast<int>(nodes_.size());
    const PrefixNode& whole = node(lower);
    const int parent = whole.parent;
    const int owner = whole.owner;
    const int begin = whole.begin;
    nodes_.push_back({.parent = parent, .owner = owner, .begin = begin, .end = position});
    node(lower).parent = upper;
    node(lower).begin = position;
    edges_[edge(parent, token(owner, begin))] = upper;
    edges_[edge(upper, token(owner, position))] = lower;
    return upper;
  }

  // Tells the nodes on the request's path that it wants something there.
  void attach(int request) {
    const TokenRequest& wants = requests_[static_cast<size_t>(request)];
    int index = terminals_[static_cast<size_t>(request)];
    if (wants.max_new_tokens > 0) node(index).generating.push_back(request);
    if (wants.targets.empty()) return;
    for (; index >= 0 && node(index).end > wants.first_target; index = node(index).parent) {
      node(index).scored.push_back(request);
    }
  }

  // Siblings differ in their owner, the request that first needed them: linked from the last to the first,
  // each list is in order.
  void link_siblings() {
    std::vector<int> newest_first(nodes_.size());
    std::iota(newest_first.begin(), newest_first.end(), 0);
    std::sort(newest_first.begin(), newest_first.end(),
              [&](int a, int b) { return node(a).owner > node(b).owner; });
    first_child_.assign(nodes_.size(), kNone);
    next_sibling_.assign(nodes_.size(), kNone);
    for (const int index : newest_first) {
      const int parent = node(index).parent;
      if (parent != kNone) ++node(parent).children;
      int& first = parent == kNone ? first_root_ : first_child_[static_cast<size_t>(parent)];
      next_sibling_[static_cast<size_t>(index)] = first;
      first = index;
    }
  }

  // Without recursion: the tree may be as deep as the longest request.
  std::vector<PrefixNode> depth_first() {
    link_siblings();
    std::vector<PrefixNode> ordered;
    ordered.reserve(nodes_.size());
    std::vector<int> place(nodes_.size());
    std::vector<int> stack = {first_root_};
    while (!stack.empty()) {
      const int index = stack.back();
      stack.pop_back();
      if (index == kNone) continue;
      place[static_cast<size_t>(index)] = static_cast<int>(ordered.size());
      stack.push_back(next_sibling_[static_cast<size_t>(index)]);
      stack.push_back(first_child_[static_cast<size_t>(index)]);
      PrefixNode& next = ordered.emplace_back(std::move(node(index)));
      if (next.parent != kNone) next.parent = place[static_cast<size_t>(next.parent)];
    }
    return ordered;
  }

  std::span<const TokenRequest> requests_;
  bool share_prefixes_;
  std::vector<PrefixNode> nodes_;
  std::vector<int> terminals_;  // of each request: the node that ends with its last token
  std::unordered_map<uint64_t, int> edges_;
  int first_root_ = kNone;
  std::vector<int> first_child_;   // of each node
  std::vector<int> next_sibling_;  // of each node
};

}  // namespace

std::vector<PrefixNode> build_prefix_tree(std::span<const TokenRequest> requests, bool share_prefixes) {
  return TreeBuilder(requests, share_prefixes).build();
}

}  // namespace sizeup
