#include "datasets/readers/text_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

// The first byte that is not valid UTF-8, or the text's size.
size_t first_invalid_byte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const bool is_ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::optional<CodePoint> point = is_ascii ? CodePoint{0, 1} : decode_utf8(text.substr(at));
    if (!point) break;
    at += point->bytes;
  }
  return at;
}

}  // namespace

std::string place_of_byte(std::string_view text, size_t byte, const std::string& file) {
  const std::string_view before = text.substr(0, byte);
  return fmt::format("{}:{}", file, 1 + std::count(before.begin(), before.end(), '\n'));
}

Result<std::string_view> checked_utf8(std::string_view bytes, const std::string& file) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return bad_input(file + ":1", "the file is UTF-16", "UTF-8 text", "save the file as UTF-8");
  }
  const size_t invalid = first_invalid_byte(bytes);
  if (invalid == bytes.size()) return bytes;
  return bad_input(
      place_of_byte(bytes, invalid, file),
      fmt::format("the byte 0x{:02x} is not valid UTF-8", static_cast<unsigned char>(bytes[invalid])),
      "UTF-8 text", "save the file as UTF-8");
}

}  // namespace sizeup
