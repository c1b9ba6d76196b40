// From pieces back to text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/engine/tokenizer/replacement.h"
#include "backends/engine/tokenizer/sentencepiece_normalizer.h"

namespace sizeup {

// Hugging Face's decoders, by their names there where they are one step. Each maps the list of pieces.
namespace decode {
// Piece by piece.
struct ByteAlphabet {};  // GPT-2's spelling of bytes; a piece with another character stands for itself
struct ByteFallback {};  // "<0x0A>" is a byte
struct Strip {
  char32_t content = ' ';
  size_t start = 0;  // at most so many
  size_t stop = 0;
};
// By the place of a piece.
struct Metaspace {
  std::string mark;
  bool strip_first = true;  // the first piece loses its marks; elsewhere they are spaces
};
struct WordPiece {
  std::string prefix;
  bool cleanup = true;
};
struct WordEnds {
  std::string suffix;  // becomes a space, except in the last piece
};
struct Ctc {
  std::string pad;
  std::string word_delimiter;
  bool cleanup = true;
};
struct Fuse {};  // all pieces become one
struct Join {};  // with spaces between them
struct SentencePiece {
  bool strip_first = true;   // the text loses one mark that it begins with
  bool byte_pieces = false;  // "<0x0A>" is a byte
  bool strip_all = false;    // each piece that only marks precede loses one
  std::optional<SentencePieceNormalizer> denormalizer;
};
}  // namespace decode

using DecoderStep = std::variant<decode::ByteAlphabet, decode::ByteFallback, Replacement, decode::Strip,
                                 decode::Metaspace, decode::WordPiece, decode::WordEnds, decode::Ctc,
                                 decode::Fuse, decode::Join, decode::SentencePiece>;

class PieceDecoder {
 public:
  PieceDecoder() = default;
  explicit PieceDecoder(std::vector<DecoderStep> steps);

  // What the steps at the beginning that look at one piece only make of it; can be done once for each piece.
  std::string prepare(std::string_view piece) const;

  // The text of prepared pieces. Bytes that are no text stay as they are.
  std::string join(std::span<const std::string* const> prepared) const;

 private:
  std::vector<DecoderStep> steps_;
  size_t prepared_ = 0;  // steps that prepare() does
};

}  // namespace sizeup
