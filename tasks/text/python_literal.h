// Python literals (ast.literal_eval): lm-evaluation-harness renders lists in templates ("{{choices}}" gives
// "['a', 'b']") and reads them back.
#pragma once

#include <optional>
#include <string_view>

#include "core/json/json_fwd.h"

namespace sizeup {

// Lists and tuples become arrays, dictionaries with text keys objects, None null. Nothing for anything that
// is not one whole literal, or nested deeper than 50 levels.
std::optional<Json> parse_python_literal(std::string_view text);

}  // namespace sizeup
