// UTF-8 one code point at a time, strict as the Unicode standard has it: no overlong forms, no surrogates,
// nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

struct CodePoint {
  char32_t value;
  size_t bytes;  // 1 to 4
};

// The code point at the start of `text`; nothing if it is empty, incomplete or invalid there.
std::optional<CodePoint> decode_utf8(std::string_view text);

// Appends a code point; surrogates and values above U+10FFFF become U+FFFD.
void append_utf8(std::string& text, char32_t code_point);
std::string encode_utf8(char32_t code_point);

bool is_valid_utf8(std::string_view text);

// Bytes at the start of a text that is not valid there which one U+FFFD replaces: the longest prefix of a
// valid sequence (the standard's recommended practice, as Python and browsers do), at least 1.
size_t invalid_utf8_length(std::string_view text);

// The text with each invalid part replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// Code points; an invalid part counts as one.
size_t count_code_points(std::string_view text);

// Length in UTF-16 code units, as JavaScript counts; an invalid part counts as one.
int64_t utf16_length(std::string_view text);

// Bytes at the end of `text` that begin a sequence which more bytes could complete: 0 to 3. A stream of
// decoded tokens holds these back.
size_t incomplete_utf8_suffix(std::string_view text);

}  // namespace sizeup
