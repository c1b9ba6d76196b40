// "did you mean ...": the known name closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sizeup {

// The name with the smallest edit distance, if it is at most a third of the longer name's length (at least
// 2); otherwise "".
std::string nearest_name(std::string_view given, std::span<const std::string> known);

// The hint of an error: "did you mean 'NAME'?", or "" where no name is near.
std::string did_you_mean(std::string_view given, std::span<const std::string> known);

}  // namespace sizeup
