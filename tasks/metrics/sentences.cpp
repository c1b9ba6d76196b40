#include "tasks/metrics/sentences.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace sizeup {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::array<std::string_view, 26> kAbbreviations = {
    "mr",  "mrs", "ms",  "dr",     "prof", "st",  "no",  "nr",  "inc", "ltd", "co",   "corp", "vs",
    "etc", "e.g", "i.e", "approx", "jan",  "feb", "mar", "apr", "aug", "sep", "sept", "oct",  "nov"};

// Whether the point at `at` belongs to the word before it.
bool ends_abbreviation(std::string_view text, size_t sentence, size_t at) {
  size_t start = at;
  while (start > sentence && (is_ascii_letter(text[start - 1]) || text[start - 1] == '.')) --start;
  const std::string_view word = text.substr(start, at - start);
  if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z') return true;
  if (word.empty()) {
    size_t digits = at;
    while (digits > sentence && is_digit(text[digits - 1])) --digits;
    return digits == sentence && digits < at;
  }
  constexpr size_t kLongestAbbreviation = 6;
  if (word.size() > kLongestAbbreviation) return false;
  std::string lower(word);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), lower) != kAbbreviations.end();
}

// The place behind a sentence end at `at`, or `at` if there is none.
size_t sentence_end(std::string_view text, size_t sentence, size_t at) {
  const char c = text[at];
  if (c != '.' && c != '!' && c != '?') return at;
  if (c == '.' && ends_abbreviation(text, sentence, at)) return at;
  size_t end = at + 1;
  while (end < text.size() && std::string_view(".!?\"')]").find(text[end]) != std::string_view::npos) ++end;
  for (const std::string_view quote : {"\u201D", "\u00BB", "\u2019"}) {
    if (text.substr(end).starts_with(quote)) end += quote.size();
  }
  return end == text.size() || is_space(text[end]) || text[end] == '\n' ? end : at;
}

}  // namespace

std::vector<TextRange> split_sentences(std::string_view text) {
  std::vector<TextRange> sentences;
  size_t begin = 0;
  const auto finish = [&](size_t end) {
    while (begin < end && is_space(text[begin])) ++begin;
    if (begin < end) sentences.push_back({begin, end});
  };
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\n') {
      finish(at);
      begin = ++at;
      continue;
    }
    const size_t end = sentence_end(text, begin, at);
    if (end == at) {
      ++at;
      continue;
    }
    finish(end);
    begin = at = end;
  }
  finish(text.size());
  return sentences;
}

bool is_function_word(const std::string& folded) {
  static const std::unordered_set<std::string> kWords = {
      "a",     "an",     "the",     "and",     "or",     "but",  "nor",   "so",    "if",    "then",  "than",
      "that",  "this",   "these",   "those",   "there",  "here", "it",    "its",   "he",    "she",   "they",
      "them",  "their",  "his",     "her",     "him",    "we",   "us",    "our",   "you",   "your",  "i",
      "me",    "my",     "is",      "are",     "was",    "were", "be",    "been",  "being", "am",    "do",
      "does",  "did",    "has",     "have",    "had",    "will", "would", "can",   "could", "may",   "might",
      "shall", "should", "must",    "not",     "no",     "yes",  "of",    "in",    "on",    "at",    "to",
      "from",  "by",     "for",     "with",    "as",     "into", "about", "over",  "under", "until", "till",
      "after", "before", "between", "through", "during", "per",  "each",  "which", "who",   "whom",  "whose",
      "what",  "when",   "where",   "why",     "how",    "also", "only",  "very",  "s",     "t",     "re",
      "ve",    "ll",     "d",       "m"};
  return kWords.contains(folded);
}

}  // namespace sizeup
