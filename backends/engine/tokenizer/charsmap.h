// SentencePiece's precompiled_charsmap: replacements of characters and sequences of them, as a double-array
// trie followed by the texts that it points to, each ended by a zero byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

class Charsmap {
 public:
  // Refuses what is cut short; places inside of the trie are checked where they are followed.
  static Result<Charsmap> parse(std::string_view bytes, const std::string& place);

  struct Match {
    size_t bytes;  // of the text that is replaced
    std::string_view replacement;
  };
  // The shortest and the longest key that `text` begins with.
  std::optional<Match> shortest(std::string_view text) const { return find(text, true); }
  std::optional<Match> longest(std::string_view text) const { return find(text, false); }

 private:
  std::optional<Match> find(std::string_view text, bool shortest) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace sizeup
