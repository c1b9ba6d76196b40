// What makes bytes UTF-8 text, and how it is said that they are not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_utf16(std::string_view start);

// The first byte that is not valid UTF-8.
std::optional<size_t> first_invalid_byte(std::string_view text);

tl::unexpected<Error> utf16_error(const std::string& file);
tl::unexpected<Error> invalid_utf8_error(char byte, const std::string& place);

// A whole file's text without its byte order mark; bad_input with the line if it is not UTF-8.
Result<std::string_view> checked_utf8(std::string_view bytes, const std::string& file);

}  // namespace sizeup
