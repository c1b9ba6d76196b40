// All keys of a set that a text begins with, in one walk over its bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sizeup {

class PrefixTrie {
 public:
  using Key = std::pair<std::string, int32_t>;  // with its value

  PrefixTrie() { first_.fill(kNone); }
  // Empty keys are left out; of equal keys the one with the largest value stays.
  explicit PrefixTrie(std::vector<Key> keys);

  bool empty() const { return nodes_.empty(); }

  // Calls visit(length, value) for each key that `text` begins with, the shortest first.
  template <class Visit>
  void visit_prefixes(std::string_view text, Visit visit) const {
    int32_t node = text.empty() ? kNone : first_[static_cast<uint8_t>(text[0])];
    for (size_t length = 1; node != kNone; ++length) {
      if (nodes_[static_cast<size_t>(node)].value != kNone)
        visit(length, nodes_[static_cast<size_t>(node)].value);
      node = length < text.size() ? child(node, static_cast<uint8_t>(text[length])) : kNone;
    }
  }

  // The length of the longest key that `text` begins with; 0 if there is none.
  size_t longest_prefix(std::string_view text) const {
    size_t longest = 0;
    visit_prefixes(text, [&](size_t length, int32_t) { longest = length; });
    return longest;
  }

 private:
  static constexpr int32_t kNone = -1;
  // The children of a node lie next to each other, sorted by their bytes.
  struct Node {
    uint8_t byte;
    int32_t value = kNone;
    int32_t first_child = 0;
    int32_t children = 0;
  };

  int32_t child(int32_t node, uint8_t byte) const;

  std::vector<Node> nodes_;
  std::array<int32_t, 256> first_;  // the nodes of first bytes
};

}  // namespace sizeup
