#include "core/json/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace sizeup {
namespace {

// Far deeper than any real record, far shallower than what exhausts the stack of a recursive consumer.
constexpr int kMaxDepth = 200;

// Bytes up to the error, as "line L, column C" (column alone for a single line).
std::string position_in(std::string_view text, size_t byte) {
  const size_t end = std::min(byte == 0 ? 0 : byte - 1, text.size());
  const std::string_view before = text.substr(0, end);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const size_t column = end - line_start + 1;
  if (text.find('\n') == std::string_view::npos) return fmt::format("column {}", column);
  return fmt::format("line {}, column {}", line, column);
}

int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& place) {
  if (depth_of(text) > kMaxDepth) {
    return bad_input(place, "JSON is nested too deeply", fmt::format("at most {} levels", kMaxDepth));
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return bad_input(place, fmt::format("not valid JSON at {}", position_in(text, error.byte)),
                     "one well-formed JSON value");
  }
}

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_canonical(const Json& value) {
  // nlohmann::json keeps keys sorted; the conversion does the sorting at every level.
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace sizeup
