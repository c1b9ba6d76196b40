// Rows of JSON files: one object a line, or an array of objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// JSON lines; blank lines are skipped.
Result<std::vector<Json>> read_json_lines(std::string_view text, const std::string& file);

// An array of objects if the text begins with "[", else JSON lines.
Result<std::vector<Json>> read_json(std::string_view text, const std::string& file);

}  // namespace sizeup
