// GPT-2's spelling of bytes: each of the 256 is one printable character, so that merges work on any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

std::string to_byte_alphabet(std::string_view bytes);

// The bytes that `text` spells; nothing if a character is not of the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace sizeup
