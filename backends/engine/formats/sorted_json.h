// JSON objects with very many keys (a vocabulary, a list of tensors). Our ordered Json searches its keys one
// after another, which is quadratic while parsing; here keys are sorted and look-ups are fast.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/errors/result.h"

namespace sizeup {

using SortedJson = nlohmann::json;

// As parse_json: nesting is limited, the error names the byte. Duplicate keys keep the last value.
Result<SortedJson> parse_sorted_json(std::string_view text, const std::string& place);

}  // namespace sizeup
