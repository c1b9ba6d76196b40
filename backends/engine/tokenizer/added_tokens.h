// Tokens that are looked for in the text itself, before anything else is done to it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/engine/tokenizer/tokenizer.h"

namespace sizeup {

struct AddedToken {
  std::string content;
  Token id = 0;
  bool special = false;      // matched only where special tokens are parsed
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and behind it
  bool single_word = false;  // only where no word character touches it
  bool normalized = false;   // looked for after normalisation (by Hugging Face's rule, itself normalised)
};

// A part of the text: a token, or text between tokens.
struct Fragment {
  std::optional<Token> token;
  size_t begin;
  size_t end;
};

class AddedTokenMatcher {
 public:
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // Leftmost first, longest first at one place. `text` is valid UTF-8. No empty text fragments.
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  const AddedToken* longest_at(std::string_view text) const;

  std::vector<AddedToken> tokens_;                      // longest first
  std::array<std::vector<size_t>, 256> by_first_byte_;  // indices into tokens_, in its order
};

}  // namespace sizeup
