#include "backends/engine/tokenizer/prefix_trie.h"

#include <algorithm>
#include <queue>

namespace sizeup {

PrefixTrie::PrefixTrie(std::vector<Key> keys) {
  first_.fill(kNone);
  std::sort(keys.begin(), keys.end());
  // Keys [begin, end) share their first `depth` bytes, which lead to `node` (none: the root).
  struct Shared {
    size_t begin;
    size_t end;
    size_t depth;
    int32_t node;
  };
  std::queue<Shared> open;
  open.push({0, keys.size(), 0, kNone});
  while (!open.empty()) {
    const Shared shared = open.front();
    open.pop();
    size_t begin = shared.begin;
    while (begin < shared.end && keys[begin].first.size() == shared.depth) {
      if (shared.node != kNone) nodes_[static_cast<size_t>(shared.node)].value = keys[begin].second;
      ++begin;
    }
    const auto first_child = static_cast<int32_t>(nodes_.size());
    while (begin < shared.end) {
      const char byte = keys[begin].first[shared.depth];
      size_t end = begin;
      while (end < shared.end && keys[end].first[shared.depth] == byte) ++end;
      const auto node = static_cast<int32_t>(nodes_.size());
      nodes_.push_back({static_cast<uint8_t>(byte)});
      if (shared.node == kNone) first_[static_cast<uint8_t>(byte)] = node;
      open.push({begin, end, shared.depth + 1, node});
      begin = end;
    }
    if (shared.node != kNone) {
      nodes_[static_cast<size_t>(shared.node)].first_child = first_child;
      nodes_[static_cast<size_t>(shared.node)].children = static_cast<int32_t>(nodes_.size()) - first_child;
    }
  }
}

int32_t PrefixTrie::child(int32_t node, uint8_t byte) const {
  const Node& parent = nodes_[static_cast<size_t>(node)];
  const auto begin = nodes_.begin() + parent.first_child;
  const auto end = begin + parent.children;
  const auto found =
      std::lower_bound(begin, end, byte, [](const Node& a, uint8_t wanted) { return a.byte < wanted; });
  return found != end && found->byte == byte ? static_cast<int32_t>(found - nodes_.begin()) : kNone;
}

}  // namespace sizeup
