// What a source text says, indexed: does this name, number, amount or date occur in it, and where?
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/values/date.h"
#include "tasks/values/number.h"

namespace sizeup {

struct Word {
  size_t begin = 0;  // byte offsets
  size_t end = 0;
  std::string folded;
};

// Runs of letters and digits; characters of scripts that are written without spaces stand alone.
std::vector<Word> split_words(std::string_view text);

struct TextRange {
  size_t begin = 0;
  size_t end = 0;
};

class SourceText {
 public:
  explicit SourceText(std::string_view text);

  bool has_word(const std::string& folded) const { return positions_.contains(folded); }

  // The words of `text` one after the other, whatever stands between them; for a text without words (a
  // currency's sign) the text itself.
  std::optional<TextRange> find_text(std::string_view text) const;
  std::optional<TextRange> find_number(const std::vector<Decimal>& readings) const;
  std::optional<TextRange> find_date(const std::vector<Date>& readings) const;

 private:
  std::string text_;
  std::vector<Word> words_;
  std::unordered_map<std::string, std::vector<size_t>> positions_;  // of words
  std::unordered_map<Decimal, TextRange> numbers_;
  std::map<Date, TextRange> dates_;
};

}  // namespace sizeup
