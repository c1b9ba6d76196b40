// A text cut at certain bytes.
#pragma once

#include <string_view>
#include <vector>

namespace sizeup {

// The parts between any of the separators (single bytes of ASCII), empty ones included: at least one.
std::vector<std::string_view> split_at(std::string_view text, std::string_view separators);

}  // namespace sizeup
