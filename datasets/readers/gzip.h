// gzip with a bound: a small file may claim to be terabytes.
#pragma once

#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

// All members of a .gz file, joined. bad_input if it is damaged, cut short or holds more than `limit` bytes.
Result<std::string> decompress_gzip(std::string_view compressed, size_t limit, const std::string& place);

}  // namespace sizeup
