#include "datasets/readers/utf8_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr const char* kSaveAsUtf8 = "save the file as UTF-8";

std::optional<size_t> first_invalid_byte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const bool is_ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::optional<CodePoint> point = is_ascii ? CodePoint{0, 1} : decode_utf8(text.substr(at));
    if (!point) return at;
    at += point->bytes;
  }
  return std::nullopt;
}

tl::unexpected<Error> invalid_utf8(char byte, const std::string& place) {
  return bad_input(place,
                   fmt::format("the byte 0x{:02x} is not valid UTF-8", static_cast<unsigned char>(byte)),
                   "UTF-8 text", kSaveAsUtf8);
}

}  // namespace

Result<void> check_not_utf16(std::string_view start, const std::string& file) {
  if (!start.starts_with("\xFF\xFE") && !start.starts_with("\xFE\xFF")) return {};
  return bad_input(file + ":1", "the file is UTF-16", "UTF-8 text", kSaveAsUtf8);
}

Result<void> check_utf8(std::string_view text, const std::string& place) {
  const std::optional<size_t> invalid = first_invalid_byte(text);
  if (invalid) return invalid_utf8(text[*invalid], place);
  return {};
}

Result<std::string_view> checked_utf8(std::string_view bytes, const std::string& file) {
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  if (Result<void> checked = check_not_utf16(bytes, file); !checked) return forward_error(checked);
  const std::optional<size_t> invalid = first_invalid_byte(bytes);
  if (!invalid) return bytes;
  const std::string_view before = bytes.substr(0, *invalid);
  return invalid_utf8(bytes[*invalid],
                      fmt::format("{}:{}", file, 1 + std::count(before.begin(), before.end(), '\n')));
}

}  // namespace sizeup
