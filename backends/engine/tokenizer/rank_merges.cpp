#include <queue>

#include "backends/engine/tokenizer/merge_model.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr int kNone = -1;

// A list of neighbours in an array: merging unlinks the right one.
struct Symbol {
  Token id;
  int previous;
  int next;
  bool merged_away = false;
};

struct Candidate {
  uint32_t rank;
  int position;  // of the left symbol
  Token result;
};

struct LaterMerge {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
  }
};

}  // namespace

const RankMerges::Merge* RankMerges::find(Token left, Token right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

// The word's characters as ids, before any merge.
std::vector<Token> RankMerges::characters(std::string_view word) const {
  std::vector<Token> ids;
  bool after_unknown = false;
  while (!word.empty()) {
    const auto code_point = decode_utf8(word);
    require(code_point.has_value(), "words are valid UTF-8");
    const std::string_view character = word.substr(0, code_point->bytes);
    word.remove_prefix(code_point->bytes);
    bool unknown = false;
    if (const auto id = vocabulary_.find_mergeable(character)) {
      ids.push_back(*id);
    } else {
      std::vector<Token> bytes;
      for (const char byte : character) {
        const auto token =
            options_.byte_fallback ? vocabulary_.byte_token(static_cast<uint8_t>(byte)) : std::nullopt;
        if (token) bytes.push_back(*token);
      }
      if (bytes.size() == character.size()) {
        ids.insert(ids.end(), bytes.begin(), bytes.end());
      } else if (options_.unknown) {
        unknown = true;
        if (!after_unknown || !options_.fuse_unknown) ids.push_back(*options_.unknown);
      }
    }
    after_unknown = unknown;
  }
  return ids;
}

void RankMerges::encode(std::string_view word, std::vector<Token>& tokens) const {
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_.find_mergeable(word)) {
      tokens.push_back(*id);
      return;
    }
  }
  const std::vector<Token> ids = characters(word);
  std::vector<Symbol> symbols;
  symbols.reserve(ids.size());
  for (const Token id : ids) {
    const int index = static_cast<int>(symbols.size());
    symbols.push_back({id, index - 1, index + 1 < static_cast<int>(ids.size()) ? index + 1 : kNone});
  }

  std::priority_queue<Candidate, std::vector<Candidate>, LaterMerge> queue;
  const auto offer = [&](int left) {
    if (left == kNone || symbols[left].next == kNone) return;
    const Merge* merge = find(symbols[left].id, symbols[symbols[left].next].id);
    if (merge) queue.push({merge->rank, left, merge->result});
  };
  for (int i = 0; i < static_cast<int>(symbols.size()); ++i) offer(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = symbols[top.position];
    if (left.merged_away || left.next == kNone) continue;
    Symbol& right = symbols[left.next];
    // The neighbours may have changed since the candidate was queued.
    const Merge* merge = find(left.id, right.id);
    if (!merge || merge->result != top.result) continue;
    left.id = top.result;
    right.merged_away = true;
    left.next = right.next;
    if (right.next != kNone) symbols[right.next].previous = top.position;
    offer(left.previous);
    offer(top.position);
  }
  for (int i = symbols.empty() ? kNone : 0; i != kNone; i = symbols[i].next) tokens.push_back(symbols[i].id);
}

}  // namespace sizeup
