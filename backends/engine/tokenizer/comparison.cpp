#include "backends/engine/tokenizer/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/engine/tokenizer/unicode_text.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// Text before a word or a token, so that neither is the first, which tokenizers often treat differently.
constexpr std::string_view kBefore = "a";

std::vector<Token> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special = false, .parse_special = false});
}

// What white space separates. Bytes that are no text belong to words.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const auto point = decode_utf8(text.substr(at));
    const size_t bytes = point ? point->bytes : 1;
    if (point && is_white_space(point->value)) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = at + bytes;
    }
    at += bytes;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

// The word's bytes as the tokenizer cuts them behind a space.
std::vector<std::string> parts_of(const Tokenizer& tokenizer, std::string_view word) {
  const std::string text = fmt::format("{} {}", kBefore, word);
  const std::vector<Token> tokens = tokens_of(tokenizer, text);
  // Some tokenizers decode a space before the first word that the text did not have: ends are the same then.
  const auto extra = static_cast<std::ptrdiff_t>(tokenizer.decode(tokens, false).size() - text.size());
  auto begin = static_cast<std::ptrdiff_t>(kBefore.size() + 1);
  std::vector<std::string> parts;
  for (size_t count = 1; count < tokens.size(); ++count) {
    const std::string decoded = tokenizer.decode(std::span(tokens).first(count), false);
    const std::ptrdiff_t end = static_cast<std::ptrdiff_t>(decoded.size()) - extra;
    if (end <= begin || end >= static_cast<std::ptrdiff_t>(text.size())) continue;
    parts.push_back(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    begin = end;
  }
  parts.push_back(text.substr(static_cast<size_t>(begin)));
  return parts;
}

void count_text(const BothTokenizers& tokenizers, std::string_view text, size_t words, TextTokens& counts) {
  ++counts.texts;
  counts.characters += static_cast<int64_t>(count_code_points(text));
  counts.words += static_cast<int64_t>(words);
  for (size_t side = 0; side < tokenizers.size(); ++side)
    counts.tokens[side] += static_cast<int64_t>(tokens_of(*tokenizers[side], text).size());
}

void add_counts(const TextTokens& more, TextTokens& counts) {
  counts.texts += more.texts;
  counts.characters += more.characters;
  counts.words += more.words;
  for (size_t side = 0; side < more.tokens.size(); ++side) counts.tokens[side] += more.tokens[side];
}

CutWords cut_words(const BothTokenizers& tokenizers,
                   const std::unordered_map<std::string_view, int64_t>& counts, size_t most_examples) {
  CutWords cut;
  for (const auto& [word, count] : counts) {
    cut.words += count;
    ++cut.distinct;
    OfBoth<std::vector<std::string>> parts = {parts_of(*tokenizers[0], word), parts_of(*tokenizers[1], word)};
    if (parts[0] == parts[1]) continue;
    cut.cut_differently += count;
    ++cut.distinct_cut_differently;
    if (parts[1].size() > parts[0].size()) cut.more_parts += count;
    if (parts[1].size() < parts[0].size()) cut.fewer_parts += count;
    cut.examples.push_back({.word = std::string(word), .count = count, .parts = std::move(parts)});
  }
  std::ranges::sort(cut.examples, [](const CutWord& a, const CutWord& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  });
  cut.examples.resize(std::min(cut.examples.size(), most_examples));
  return cut;
}

// What each token that is not special adds to a text.
std::unordered_set<std::string> texts_of_tokens(const Tokenizer& tokenizer) {
  std::vector<Token> tokens = tokens_of(tokenizer, kBefore);
  const size_t before = tokenizer.decode(tokens, false).size();
  tokens.push_back(0);
  std::unordered_set<std::string> texts;
  for (Token token = 0; token < tokenizer.vocabulary(); ++token) {
    if (tokenizer.is_special(token)) continue;
    tokens.back() = token;
    const std::string text = tokenizer.decode(tokens, false);
    if (text.size() > before) texts.insert(text.substr(before));
  }
  return texts;
}

}  // namespace

TextComparison compare_texts(const BothTokenizers& tokenizers, std::span<const SlicedText> texts,
                             size_t most_examples) {
  TextComparison comparison;
  std::unordered_map<std::string_view, int64_t> counts;
  for (const SlicedText& text : texts) {
    const std::vector<std::string_view> words = words_of(text.text);
    for (const std::string_view word : words) ++counts[word];
    TextTokens tokens;
    count_text(tokenizers, text.text, words.size(), tokens);
    add_counts(tokens, comparison.all);
    for (const std::string& slice : text.slices) add_counts(tokens, comparison.slices[slice]);
  }
  comparison.words = cut_words(tokenizers, counts, most_examples);
  return comparison;
}

VocabularyOverlap compare_vocabularies(const BothTokenizers& tokenizers) {
  const auto first = texts_of_tokens(*tokenizers[0]);
  const auto second = texts_of_tokens(*tokenizers[1]);
  VocabularyOverlap overlap{
      .tokens = {static_cast<int64_t>(first.size()), static_cast<int64_t>(second.size())}};
  overlap.common =
      std::ranges::count_if(first, [&](const std::string& text) { return second.contains(text); });
  return overlap;
}

}  // namespace sizeup
