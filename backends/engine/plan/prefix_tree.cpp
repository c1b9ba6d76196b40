#include "backends/engine/plan/prefix_tree.h"

#include <algorithm>
#include <unordered_map>

namespace sizeup {
namespace {

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

  Token token(int request, int position) const {
    return requests_[static_cast<size_t>(request)].tokens[static_cast<size_t>(position)];
  }

  PrefixNode& node(int index) { return nodes_[static_cast<size_t>(index)]; }

  int insert(int request) {
    const int length = static_cast<int>(requests_[static_cast<size_t>(request)].tokens.size());
    int parent = -1;
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
    const int end = std::min(other.end, length);
    while (position < end && token(other.owner, position) == token(request, position)) ++position;
    return position;
  }

  int add(int parent, int request, int begin, int end) {
    const int index = static_cast<int>(nodes_.size());
    nodes_.push_back({.parent = parent, .owner = request, .begin = begin, .end = end});
    (parent < 0 ? roots_ : node(parent).children).push_back(index);
    if (share_prefixes_) edges_[edge(parent, token(request, begin))] = index;
    return index;
  }

  // Cuts a node at `position`: the new node is the upper part and takes the lower one's place.
  int split(int lower, int position) {
    const int upper = static_cast<int>(nodes_.size());
    const PrefixNode whole = node(lower);
    nodes_.push_back({.parent = whole.parent, .owner = whole.owner, .begin = whole.begin, .end = position});
    std::vector<int>& siblings = whole.parent < 0 ? roots_ : node(whole.parent).children;
    *std::find(siblings.begin(), siblings.end(), lower) = upper;
    node(upper).children.push_back(lower);
    node(lower).parent = upper;
    node(lower).begin = position;
    edges_[edge(whole.parent, token(whole.owner, whole.begin))] = upper;
    edges_[edge(upper, token(whole.owner, position))] = lower;
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

  // Without recursion: the tree may be as deep as the longest request.
  std::vector<PrefixNode> depth_first() {
    std::vector<PrefixNode> ordered;
    std::vector<int> place(nodes_.size());
    std::vector<int> stack(roots_.rbegin(), roots_.rend());
    while (!stack.empty()) {
      const int index = stack.back();
      stack.pop_back();
      place[static_cast<size_t>(index)] = static_cast<int>(ordered.size());
      stack.insert(stack.end(), node(index).children.rbegin(), node(index).children.rend());
      ordered.push_back(std::move(node(index)));
    }
    for (PrefixNode& n : ordered) {
      if (n.parent >= 0) n.parent = place[static_cast<size_t>(n.parent)];
      for (int& child : n.children) child = place[static_cast<size_t>(child)];
    }
    return ordered;
  }

  std::span<const TokenRequest> requests_;
  bool share_prefixes_;
  std::vector<PrefixNode> nodes_;
  std::vector<int> roots_;
  std::vector<int> terminals_;  // of each request: the node that ends with its last token
  std::unordered_map<uint64_t, int> edges_;
};

}  // namespace

std::vector<PrefixNode> build_prefix_tree(std::span<const TokenRequest> requests, bool share_prefixes) {
  return TreeBuilder(requests, share_prefixes).build();
}

}  // namespace sizeup
