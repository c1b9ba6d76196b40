#include "backends/engine/tokenizer/piece_decoder.h"

#include "backends/engine/tokenizer/byte_alphabet.h"
#include "backends/engine/tokenizer/vocabulary.h"

namespace sizeup {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581

std::string marks_to_spaces(std::string_view piece) {
  std::string text;
  size_t done = 0;
  for (size_t mark = piece.find(kMark); mark != std::string_view::npos; mark = piece.find(kMark, done)) {
    text.append(piece, done, mark - done);
    text += ' ';
    done = mark + kMark.size();
  }
  return text.append(piece, done, std::string_view::npos);
}

}  // namespace

std::string PieceDecoder::decode(std::string_view piece) const {
  // A piece with a character outside the alphabet was added as it stands.
  if (spelling == Spelling::byte_alphabet) return from_byte_alphabet(piece).value_or(std::string(piece));
  if (byte_pieces) {
    if (const auto byte = byte_of_piece(piece)) return std::string(1, static_cast<char>(*byte));
  }
  return marks_to_spaces(piece);
}

}  // namespace sizeup
