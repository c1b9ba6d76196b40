#include <queue>

#include "backends/engine/tokenizer/sentencepiece_normalizer.h"
#include "backends/engine/tokenizer/word_model.h"
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

bool marks_begin_pieces(const Vocabulary& vocabulary) {
  if (!vocabulary.find_mergeable(kSpaceMark)) return false;
  for (Token id = 0; id < vocabulary.size(); ++id) {
    if (!vocabulary.contains(id) || !vocabulary.is_mergeable(id)) continue;
    std::string_view rest = vocabulary.piece(id);
    while (rest.starts_with(kSpaceMark)) rest.remove_prefix(kSpaceMark.size());
    if (rest.find(kSpaceMark) != std::string_view::npos) return false;
  }
  return true;
}

const RankMerges::Merge* RankMerges::find(Token left, Token right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

// The word's characters as ids, before any merge. As in Hugging Face tokenizers, an unknown token waits until
// the next known character: byte tokens overtake it.
std::vector<Token> RankMerges::characters(std::string_view word) const {
  std::vector<Token> ids;
  size_t unknown = 0;  // that wait
  const auto flush = [&] {
    ids.insert(ids.end(), unknown, options_.unknown.value_or(0));
    unknown = 0;
  };
  bool first = true;
  const bool decorated = !options_.continuing_prefix.empty() || !options_.end_of_word_suffix.empty();
  std::string spelled;
  while (!word.empty()) {
    const auto code_point = decode_utf8(word);
    require(code_point.has_value(), "words are valid UTF-8");
    std::string_view character = word.substr(0, code_point->bytes);
    word.remove_prefix(code_point->bytes);
    if (decorated) {
      spelled = first ? "" : options_.continuing_prefix;
      spelled += character;
      if (word.empty()) spelled += options_.end_of_word_suffix;
      character = spelled;
    }
    first = false;
    if (const auto id = vocabulary_.find_mergeable(character)) {
      flush();
      ids.push_back(*id);
      continue;
    }
    if (options_.byte_fallback && vocabulary_.append_bytes(character, ids)) continue;
    if (!options_.unknown) continue;
    if (!options_.fuse_unknown) flush();
    unknown = 1;
  }
  flush();
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
