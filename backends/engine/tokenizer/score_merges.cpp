#include <queue>

#include "backends/engine/tokenizer/merge_model.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr int kNone = -1;

// Neighbouring parts of the word; a merge lengthens the left one and empties the right one.
struct Symbol {
  std::string_view text;
  int previous;
  int next;
};

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

std::vector<Symbol> split_characters(std::string_view word) {
  std::vector<Symbol> symbols;
  while (!word.empty()) {
    const auto code_point = decode_utf8(word);
    require(code_point.has_value(), "words are valid UTF-8");
    const int index = static_cast<int>(symbols.size());
    const bool last = code_point->bytes == word.size();
    symbols.push_back({word.substr(0, code_point->bytes), index - 1, last ? kNone : index + 1});
    word.remove_prefix(code_point->bytes);
  }
  return symbols;
}

}  // namespace

void ScoreMerges::encode(std::string_view word, std::vector<Token>& tokens) const {
  std::vector<Symbol> symbols = split_characters(word);
  std::priority_queue<Candidate, std::vector<Candidate>, LaterMerge> queue;
  const auto offer = [&](int left, int right) {
    if (left == kNone || right == kNone) return;
    // Neighbours lie next to each other in the word: their joined text is a part of it.
    const std::string_view joined(symbols[left].text.data(),
                                  symbols[left].text.size() + symbols[right].text.size());
    const auto token = vocabulary_.find_mergeable(joined);
    if (token) queue.push({scores_[static_cast<size_t>(*token)], left, right, joined.size()});
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
  for (int i = symbols.empty() ? kNone : 0; i != kNone; i = symbols[i].next)
    append_piece(symbols[i].text, tokens);
}

void ScoreMerges::append_piece(std::string_view text, std::vector<Token>& tokens) const {
  if (const auto token = vocabulary_.find_mergeable(text)) {
    tokens.push_back(*token);
    return;
  }
  std::vector<Token> bytes;
  for (const char byte : text) {
    if (const auto token = vocabulary_.byte_token(static_cast<uint8_t>(byte))) bytes.push_back(*token);
  }
  if (bytes.size() == text.size()) {
    tokens.insert(tokens.end(), bytes.begin(), bytes.end());
  } else if (unknown_) {
    tokens.push_back(*unknown_);
  }
}

}  // namespace sizeup
