// A data file as checked UTF-8 text.
#pragma once

#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// The text without a byte order mark; bad_input with the line if it is not UTF-8.
Result<std::string_view> checked_utf8(std::string_view bytes, const std::string& file);

// "file:12", the line of a byte, counted from 1.
std::string place_of_byte(std::string_view text, size_t byte, const std::string& file);

}  // namespace sizeup
