// What makes bytes UTF-8 text, and how it is said that they are not.
#pragma once

#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// bad_input if a file that begins so is UTF-16.
Result<void> check_not_utf16(std::string_view start, const std::string& file);

// bad_input at `place` if the text is not valid UTF-8.
Result<void> check_utf8(std::string_view text, const std::string& place);

// A whole file's text without its byte order mark; bad_input with the line if it is not UTF-8.
Result<std::string_view> checked_utf8(std::string_view bytes, const std::string& file);

}  // namespace sizeup
