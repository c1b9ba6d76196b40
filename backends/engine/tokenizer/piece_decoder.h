// From pieces back to the bytes they stand for.
#pragma once

#include <string>
#include <string_view>

namespace sizeup {

// How a tokenizer spells its pieces.
enum class Spelling {
  byte_alphabet,  // GPT-2's characters for bytes
  metaspace,      // U+2581 for a space, perhaps "<0x0A>" for a byte
};

// What the beginning of a decoded text loses: the space that encoding put there.
enum class LeadingSpace {
  keep,
  strip_one,         // one space, from the text
  strip_first_piece  // every mark of the first piece (Hugging Face's Metaspace decoder)
};

struct PieceDecoder {
  Spelling spelling = Spelling::byte_alphabet;
  bool byte_pieces = false;  // "<0x0A>" is a byte
  LeadingSpace leading = LeadingSpace::keep;

  std::string decode(std::string_view piece) const;
};

}  // namespace sizeup
