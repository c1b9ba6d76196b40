// The text of a generated answer, and where a stop string ends it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

// Whether any of the stop strings occurs; an empty one never does.
bool contains_stop(std::string_view text, std::span<const std::string> stops);

// The text before the stop strings, applied one after the other as lm-evaluation-harness does
// (`for stop in until: text = text.split(stop)[0]`).
std::string_view before_stops(std::string_view text, std::span<const std::string> stops);

}  // namespace sizeup
