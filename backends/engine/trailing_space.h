// Python's str.rstrip, which decides where lm-evaluation-harness cuts a context.
#pragma once

#include <cstddef>
#include <string_view>

namespace sizeup {

// Bytes of UTF-8 `text` before the white space at its end, white space being what Python's str.isspace says.
size_t length_without_trailing_space(std::string_view text);

}  // namespace sizeup
