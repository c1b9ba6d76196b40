#include "backends/engine/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "backends/engine/tokenizer/split_regex.h"
#include "backends/engine/tokenizer/unicode_text.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// \w as Unicode's rules for regular expressions define it.
bool is_word(char32_t c) {
  static const auto kWord =
      SplitRegex::compile(R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])", "word");
  require(kWord.has_value(), "the pattern is well-formed");
  return !kWord->find_all(encode_utf8(c)).empty();
}

// The last code point of a valid text.
std::optional<CodePoint> last_code_point(std::string_view text) {
  size_t start = text.size();
  while (start > 0) {
    --start;
    if ((static_cast<uint8_t>(text[start]) & 0xC0) != 0x80) return decode_utf8(text.substr(start));
  }
  return std::nullopt;
}

bool touches_word(std::string_view before, std::string_view after) {
  const auto left = last_code_point(before);
  const auto right = decode_utf8(after);
  return (left && is_word(left->value)) || (right && is_word(right->value));
}

size_t skip_space_left(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    const auto last = last_code_point(text.substr(limit, end - limit));
    if (!last || !is_white_space(last->value)) break;
    end -= last->bytes;
  }
  return end;
}

size_t skip_space_right(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const auto next = decode_utf8(text.substr(begin));
    if (!next || !is_white_space(next->value)) break;
    begin += next->bytes;
  }
  return begin;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  // What is not UTF-8 cannot stand in a text, but could match inside of one of its characters.
  std::erase_if(tokens_, [](const AddedToken& token) {
    return token.content.empty() || !is_valid_utf8(token.content);
  });
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.content.size() > b.content.size();
  });
  for (size_t i = 0; i < tokens_.size(); ++i) {
    by_first_byte_[static_cast<uint8_t>(tokens_[i].content[0])].push_back(i);
  }
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text) const {
  for (const size_t index : by_first_byte_[static_cast<uint8_t>(text[0])]) {
    if (text.starts_with(tokens_[index].content)) return &tokens_[index];
  }
  return nullptr;
}

std::vector<Fragment> AddedTokenMatcher::split(std::string_view text, bool parse_special) const {
  std::vector<Fragment> fragments;
  size_t done = 0;  // text before this is in fragments
  size_t position = 0;
  while (position < text.size()) {
    // Most bytes begin no token, and every byte of every text comes through here.
    if (by_first_byte_[static_cast<uint8_t>(text[position])].empty()) {
      ++position;
      continue;
    }
    const AddedToken* token = longest_at(text.substr(position));
    if (!token) {
      ++position;
      continue;
    }
    size_t begin = position;
    size_t end = position + token->content.size();
    position = end;
    // A match that does not count is passed over whole: no shorter token is looked for inside it.
    if (token->special && !parse_special) continue;
    if (token->single_word && touches_word(text.substr(0, begin), text.substr(end))) continue;
    if (token->lstrip) begin = skip_space_left(text, begin, std::min(done, begin));
    if (token->rstrip) end = skip_space_right(text, end);
    if (begin > done) fragments.push_back({std::nullopt, done, begin});
    fragments.push_back({token->id, begin, end});
    done = end;
    position = std::max(position, end);
  }
  if (done < text.size()) fragments.push_back({std::nullopt, done, text.size()});
  return fragments;
}

}  // namespace sizeup
