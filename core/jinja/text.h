// UTF-8 text as Python's str sees it: a sequence of code points, with Python's white space and case rules.
// A byte that is not valid UTF-8 counts as one code point, so no input can make these fail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/utf8.h"

namespace sizeup::jinja {

// The code point that begins at `byte`; U+FFFD of one byte for an invalid one.
CodePoint decode_at(std::string_view text, size_t byte);

size_t byte_of_character(std::string_view text, size_t character);  // text.size() if past the end
std::vector<std::string_view> split_characters(std::string_view text);

bool is_space(char32_t code_point);         // str.isspace, and \s in Python's re
bool is_printable(char32_t code_point);     // str.isprintable
bool is_decimal(char32_t code_point);       // str.isdecimal
bool is_digit(char32_t code_point);         // str.isdigit
bool is_alpha(char32_t code_point);         // str.isalpha
bool is_alphanumeric(char32_t code_point);  // str.isalnum
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
// Removes characters contained in `set` from the ends.
std::string_view strip_left(std::string_view text, std::string_view set);
std::string_view strip_right(std::string_view text, std::string_view set);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_title(std::string_view text);        // str.title: every run of cased letters
std::string to_capitalized(std::string_view text);  // str.capitalize
std::string to_swapped_case(std::string_view text);
std::string to_folded_case(std::string_view text);  // str.casefold
bool is_lower(std::string_view text);
bool is_upper(std::string_view text);
bool is_title(std::string_view text);  // str.istitle

// str.splitlines, with all of Python's line boundaries.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);
// str.split(None, limit): runs of white space; limit < 0 means no limit.
std::vector<std::string_view> split_words(std::string_view text, int64_t limit);
std::vector<std::string_view> split_words_from_right(std::string_view text, int64_t limit);

// str.replace with a count (< 0: all); an empty `from` matches between characters.
// The caller bounds the size of the result: see replaced_size.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to, int64_t count);
size_t replaced_size(std::string_view text, std::string_view from, std::string_view to, int64_t count);

}  // namespace sizeup::jinja
