#include "backends/engine/answer_text.h"

#include <algorithm>

namespace sizeup {

bool contains_stop(std::string_view text, std::span<const std::string> stops) {
  return std::any_of(stops.begin(), stops.end(), [&](const std::string& stop) {
    return !stop.empty() && text.find(stop) != std::string_view::npos;
  });
}

std::string_view before_stops(std::string_view text, std::span<const std::string> stops) {
  for (const std::string& stop : stops) {
    if (!stop.empty()) text = text.substr(0, text.find(stop));
  }
  return text;
}

}  // namespace sizeup
