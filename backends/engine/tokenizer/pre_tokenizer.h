// Cuts a text into the words that the word model stays inside of.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "backends/engine/tokenizer/split_regex.h"

namespace sizeup {

// What becomes of the parts that a split's pattern matches.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// Where Metaspace puts its mark before a text that does not start with one.
enum class PrependScheme { always, first, never };

namespace pretokenize {
struct Split {
  SplitRegex pattern;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // what the pattern does not match counts as the match
};
struct PrefixSpace {};   // a space before a text that does not start with one
struct ByteAlphabet {};  // GPT-2's spelling of bytes
struct Metaspace {
  std::string mark;  // stands for the space
  PrependScheme prepend = PrependScheme::always;
  bool split = true;
};
struct FixedLength {
  size_t characters = 5;
};
// Before each mark that follows another character. No word model sees a difference whose pieces have marks at
// their beginning only, but short words can be remembered.
struct BeforeMarks {
  std::string mark;
};
}  // namespace pretokenize

using PreTokenizerStep =
    std::variant<pretokenize::Split, pretokenize::PrefixSpace, pretokenize::ByteAlphabet,
                 pretokenize::Metaspace, pretokenize::FixedLength, pretokenize::BeforeMarks>;

// Words as parts of one text; most steps cut, few write a new text.
class WordList {
 public:
  struct Word {
    Range range;
    bool at_start;  // it begins where the whole text began
  };

  // `text` must outlive the list, or its next step that writes.
  void reset(std::string_view text, bool at_start);

  size_t size() const { return words_.size(); }
  std::string_view operator[](size_t index) const { return at(words_[index].range); }

  // Replaces every word by parts of it: cut(word, ranges inside of it).
  template <class Cut>
  void cut(Cut cut_word) {
    cut_.clear();
    for (const Word& word : words_) {
      ranges_.clear();
      cut_word(at(word.range), ranges_);
      for (const Range range : ranges_) {
        if (range.begin == range.end) continue;
        cut_.push_back({{word.range.begin + range.begin, word.range.begin + range.end},
                        word.at_start && range.begin == 0});
      }
    }
    words_.swap(cut_);
  }

  // Replaces every word's text: write(word, at_start, text to append to).
  template <class Write>
  void rewrite(Write write_word) {
    std::string text;
    text.reserve(view_.size() * 2);
    for (Word& word : words_) {
      const size_t begin = text.size();
      write_word(at(word.range), word.at_start, text);
      word.range = {begin, text.size()};
    }
    text_ = std::move(text);
    view_ = text_;
  }

 private:
  std::string_view at(Range range) const { return view_.substr(range.begin, range.end - range.begin); }

  std::string text_;
  std::string_view view_;
  std::vector<Word> words_;
  std::vector<Word> cut_;      // kept for their memory
  std::vector<Range> ranges_;  // likewise
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps);

  // Adds a step behind the others.
  void then(PreTokenizerStep step);

  // Whether the words must still be spelled in the byte alphabet. That is usually the last step; left to the
  // caller it is done once for each word that is not remembered.
  bool spells_bytes() const { return spells_bytes_; }

  // Leaves the words of `text` in `words`. `text` is valid UTF-8 and outlives the list's use; `at_start`: it
  // is the beginning of what was given to the tokenizer.
  void cut(std::string_view text, bool at_start, WordList& words) const;

 private:
  std::vector<PreTokenizerStep> steps_;
  bool spells_bytes_ = false;
};

// BERT's: white space is removed, each punctuation character is a word.
Result<PreTokenizer> bert_pre_tokenizer(const std::string& place);

}  // namespace sizeup
