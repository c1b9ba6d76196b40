#include "backends/engine/tokenizer/byte_alphabet.h"

#include <array>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;
constexpr int kSubstitutes = 68;  // bytes that are not printable in Latin-1

// Printable Latin-1 stands for itself; the others follow from U+0100 in the order of their bytes.
constexpr bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<uint8_t, kFirstSubstitute + kSubstitutes> byte{};
  std::array<bool, kFirstSubstitute + kSubstitutes> known{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  char32_t next = kFirstSubstitute;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
    alphabet.character[static_cast<size_t>(byte)] = character;
    alphabet.byte[character] = static_cast<uint8_t>(byte);
    alphabet.known[character] = true;
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) append_utf8(text, kAlphabet.character[static_cast<uint8_t>(byte)]);
  return text;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const auto code_point = decode_utf8(text);
    if (!code_point || code_point->value >= kAlphabet.known.size() || !kAlphabet.known[code_point->value]) {
      return std::nullopt;
    }
    bytes += static_cast<char>(kAlphabet.byte[code_point->value]);
    text.remove_prefix(code_point->bytes);
  }
  return bytes;
}

}  // namespace sizeup
