#include "tasks/values/source_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "core/jinja/text.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// A name that starts with a very frequent word is looked for at its first occurrences only: hostile answers
// must not make the search quadratic.
constexpr size_t kMostCandidates = 1'000;

bool is_word_character(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

// Thai, Lao, Khmer, Chinese, Japanese and their like.
bool is_written_without_spaces(char32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1780 && c <= 0x17FF) || (c >= 0x2E80 && c <= 0x9FFF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  size_t begin = 0;
  const auto finish = [&](size_t end) {
    if (end > begin) words.push_back({begin, end, fold_text(text.substr(begin, end - begin))});
  };
  size_t at = 0;
  while (at < text.size()) {
    const CodePoint next = jinja::decode_at(text, at);
    const bool alone = is_written_without_spaces(next.value);
    if (alone || !is_word_character(next.value)) {
      finish(at);
      begin = at + next.bytes;
      if (alone && is_word_character(next.value)) {
        words.push_back({at, begin, fold_text(text.substr(at, next.bytes))});
      }
    }
    at += next.bytes;
  }
  finish(at);
  return words;
}

SourceText::SourceText(std::string_view text) : text_(text), words_(split_words(text)) {
  for (size_t i = 0; i < words_.size(); ++i) positions_[words_[i].folded].push_back(i);
  for (const NumberInText& number : find_numbers(text)) {
    for (const Decimal& reading : number.readings)
      numbers_.try_emplace(reading, TextRange{number.begin, number.end});
  }
  for (const DateInText& date : find_dates(text)) {
    for (const Date& reading : date.readings) dates_.try_emplace(reading, TextRange{date.begin, date.end});
  }
}

std::optional<TextRange> SourceText::find_text(std::string_view text) const {
  const std::vector<Word> wanted = split_words(text);
  if (wanted.empty()) {
    const size_t found = text_.find(text);
    if (text.empty() || found == std::string::npos) return std::nullopt;
    return TextRange{found, found + text.size()};
  }
  const auto candidates = positions_.find(wanted[0].folded);
  if (candidates == positions_.end()) return std::nullopt;
  const size_t tried = std::min(candidates->second.size(), kMostCandidates);
  for (size_t i = 0; i < tried; ++i) {
    const size_t start = candidates->second[i];
    if (start + wanted.size() > words_.size()) break;
    const bool same =
        std::equal(wanted.begin(), wanted.end(), words_.begin() + static_cast<std::ptrdiff_t>(start),
                   [](const Word& a, const Word& b) { return a.folded == b.folded; });
    if (same) return TextRange{words_[start].begin, words_[start + wanted.size() - 1].end};
  }
  return std::nullopt;
}

std::optional<TextRange> SourceText::find_number(const std::vector<Decimal>& readings) const {
  for (const Decimal& reading : readings) {
    if (const auto found = numbers_.find(reading); found != numbers_.end()) return found->second;
  }
  return std::nullopt;
}

std::optional<TextRange> SourceText::find_date(const std::vector<Date>& readings) const {
  for (const Date& reading : readings) {
    if (const auto found = dates_.find(reading); found != dates_.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace sizeup
