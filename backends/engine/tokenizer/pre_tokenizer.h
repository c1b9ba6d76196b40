// Cuts a text into the words that merges stay inside of.
#pragma once

#include <string>
#include <string_view>
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
}  // namespace pretokenize

using PreTokenizerStep = std::variant<pretokenize::Split, pretokenize::PrefixSpace, pretokenize::ByteAlphabet,
                                      pretokenize::Metaspace>;

class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps) : steps_(std::move(steps)) {}

  // `text` is valid UTF-8; `at_start`: it is the beginning of what was given to the tokenizer.
  std::vector<std::string> words(std::string_view text, bool at_start) const;

 private:
  std::vector<PreTokenizerStep> steps_;
};

}  // namespace sizeup
