// SentencePiece's normalisation: characters replaced by the longest key of its map, white space trimmed and
// spelled as U+2581.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/engine/tokenizer/charsmap.h"
#include "backends/engine/tokenizer/prefix_trie.h"

namespace sizeup {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

struct SentencePieceRules {
  std::optional<Charsmap> map;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;           // a space becomes U+2581
  bool treat_whitespace_as_suffix = false;  // the dummy prefix is put behind
};

class SentencePieceNormalizer {
 public:
  // `kept`: texts that stay as they are.
  explicit SentencePieceNormalizer(SentencePieceRules rules, PrefixTrie kept = {})
      : rules_(std::move(rules)), kept_(std::move(kept)) {}

  // `text` is valid UTF-8, and so is the result.
  std::string apply(std::string_view text) const;

 private:
  Charsmap::Match first(std::string_view text) const;

  SentencePieceRules rules_;
  PrefixTrie kept_;
};

}  // namespace sizeup
