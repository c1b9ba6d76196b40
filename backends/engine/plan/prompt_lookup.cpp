#include "backends/engine/plan/prompt_lookup.h"

#include <algorithm>

namespace sizeup {
namespace {

// One token says little: on answers of pocket-large its guesses cost more than they gain. Beyond four, longer
// matches do not guess better.
constexpr size_t kShortestMatch = 2;
constexpr size_t kLongestMatch = 4;

// What a hit or a miss still counts after the next: the last ten make two thirds of the rate.
constexpr double kKept = 0.9;

// How many tokens before `end` are those before the text's end.
size_t match_length(std::span<const Token> text, size_t end) {
  size_t length = 0;
  const size_t most = std::min(end, kLongestMatch);
  while (length < most && text[end - 1 - length] == text[text.size() - 1 - length]) ++length;
  return length;
}

// Where the longest match ends, the last one of those; 0: there is none.
size_t find_match(std::span<const Token> text) {
  if (text.empty()) return 0;
  size_t longest = kShortestMatch - 1;
  size_t found = 0;
  for (size_t end = text.size() - 1; end > longest && longest < kLongestMatch; --end) {
    if (text[end - 1] != text.back()) continue;
    const size_t length = match_length(text, end);
    if (length <= longest) continue;
    longest = length;
    found = end;
  }
  return found;
}

}  // namespace

std::span<const Token> PromptLookup::guess(std::span<const Token> text) {
  guess_.clear();
  place_ = 0;
  const size_t match = find_match(text);
  if (match == 0) return guess_;
  for (size_t i = match; guess_.size() < kMostGuessed; ++i) {
    // Past the text's end the guess goes on with itself: a text that repeats itself does not stop there.
    guess_.push_back(i < text.size() ? text[i] : guess_[i - text.size()]);
  }
  return guess_;
}

void PromptLookup::found(Token token) {
  if (place_ == guess_.size()) return;
  const bool hit = guess_[place_] == token;
  hits_ = kKept * hits_ + (hit ? 1.0 : 0.0);
  tries_ = kKept * tries_ + 1.0;
  place_ = hit ? place_ + 1 : guess_.size();
}

}  // namespace sizeup
