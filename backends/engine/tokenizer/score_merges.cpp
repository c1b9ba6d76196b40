#include <queue>

#include "backends/engine/tokenizer/word_model.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr int kNone = -1;

struct Candidate {
  float score;
  int left;
  int right;
  size_t bytes;  // of both texts when the candidate was queued
};

struct LaterMerge {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score != b.score ? a.score < b.score : a.left > b.left;
  }
};

}  // namespace

// Neighbouring parts of the word; a merge lengthens the left one and empties the right one.
struct ScoreMerges::Symbol {
  std::string_view text;
  int previous;
  int next;
  bool whole;  // merges with nothing
};

std::vector<ScoreMerges::Symbol> ScoreMerges::split_symbols(std::string_view word) const {
  std::vector<Symbol> symbols;
  while (!word.empty()) {
    size_t bytes = options_.whole.longest_prefix(word);
    const bool whole = bytes > 0;
    if (!whole) {
      const auto code_point = decode_utf8(word);
      require(code_point.has_value(), "words are valid UTF-8");
      bytes = code_point->bytes;
    }
    const int index = static_cast<int>(symbols.size());
    symbols.push_back({word.substr(0, bytes), index - 1, bytes == word.size() ? kNone : index + 1, whole});
    word.remove_prefix(bytes);
  }
  return symbols;
}

void ScoreMerges::encode(std::string_view word, std::vector<Token>& tokens) const {
  std::vector<Symbol> symbols = split_symbols(word);
  Origins origins;
  std::priority_queue<Candidate, std::vector<Candidate>, LaterMerge> queue;
  const auto offer = [&](int left, int right) {
    if (left == kNone || right == kNone || symbols[left].whole || symbols[right].whole) return;
    // Neighbours lie next to each other in the word: their joined text is a part of it.
    const std::string_view joined(symbols[left].text.data(),
                                  symbols[left].text.size() + symbols[right].text.size());
    const auto token = vocabulary_.find_mergeable(joined);
    if (!token) return;
    queue.push({scores_[static_cast<size_t>(*token)], left, right, joined.size()});
    if (is_unused(*token)) origins[joined] = symbols[left].text.size();
  };
  for (int i = 0; i < static_cast<int>(symbols.size()); ++i) offer(i, symbols[i].next);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = symbols[top.left];
    Symbol& right = symbols[top.right];
    const bool stale =
        left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != top.bytes;
    if (stale) continue;
    left.text = std::string_view(left.text.data(), top.bytes);
    right.text = {};
    left.next = right.next;
    if (right.next != kNone) symbols[right.next].previous = top.left;
    offer(left.previous, top.left);
    offer(top.left, left.next);
  }
  bool after_unknown = false;
  for (int i = symbols.empty() ? kNone : 0; i != kNone; i = symbols[i].next)
    append_piece(symbols[i].text, origins, after_unknown, tokens);
}

void ScoreMerges::append_piece(std::string_view text, const Origins& origins, bool& after_unknown,
                               std::vector<Token>& tokens) const {
  std::vector<std::string_view> parts = {text};  // the first one last
  while (!parts.empty()) {
    const std::string_view part = parts.back();
    parts.pop_back();
    const auto token = vocabulary_.find_mergeable(part);
    const auto origin = token && is_unused(*token) ? origins.find(part) : origins.end();
    if (origin != origins.end()) {
      parts.push_back(part.substr(origin->second));
      parts.push_back(part.substr(0, origin->second));
    } else if (token) {
      tokens.push_back(*token);
      after_unknown = false;
    } else if (vocabulary_.append_bytes(part, tokens)) {
      after_unknown = false;
    } else if (options_.unknown) {
      if (!after_unknown || !options_.fuse_unknown) tokens.push_back(*options_.unknown);
      after_unknown = true;
    }
  }
}

}  // namespace sizeup
