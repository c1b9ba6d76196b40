// What is done to a text before it is cut into words.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/engine/tokenizer/charsmap.h"
#include "backends/engine/tokenizer/replacement.h"
#include "backends/engine/tokenizer/sentencepiece_normalizer.h"
#include "backends/engine/tokenizer/unicode_text.h"

namespace sizeup {

// Hugging Face's normalizers by their names there, and SentencePiece's own.
namespace normalize {
struct Form {
  UnicodeForm form;
};
struct Lowercase {};
struct Strip {
  bool left = true;
  bool right = true;
};
struct StripAccents {};  // marks that stand for themselves; decompose first
struct Prepend {
  std::string text;  // to texts that are not empty
};
struct Bert {
  bool clean_text = true;            // no controls, every white space a space
  bool handle_chinese_chars = true;  // spaces around ideographs
  bool strip_accents = true;
  bool lowercase = true;
};
struct Nmt {};
struct Precompiled {
  Charsmap map;
};
struct ByteAlphabet {};  // GPT-2's spelling of bytes
}  // namespace normalize

using NormalizerStep =
    std::variant<normalize::Form, normalize::Lowercase, normalize::Strip, normalize::StripAccents,
                 normalize::Prepend, Replacement, normalize::Bert, normalize::Nmt, normalize::Precompiled,
                 normalize::ByteAlphabet, SentencePieceNormalizer>;

class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }

  // `text` is valid UTF-8, and so is the result.
  std::string apply(std::string_view text) const;

 private:
  std::vector<NormalizerStep> steps_;
};

}  // namespace sizeup
