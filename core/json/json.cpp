#include "core/json/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sizeup {
namespace {

// Far deeper than any real record, far shallower than what exhausts the stack of a recursive consumer.
constexpr int kMaxDepth = 200;

// Ordered objects are searched key by key, so parsing takes the square of this: a tenth of a second here.
constexpr int kMaxMembers = 10'000;

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

// How deep a text nests and how many members its widest object has, found without parsing.
struct Shape {
  int depth = 0;
  int members = 0;  // of the widest object
};

Shape shape_of(std::string_view text) {
  Shape shape;
  std::vector<std::pair<char, int>> open;  // bracket and its commas
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      open.emplace_back(c, 0);
      shape.depth = std::max(shape.depth, static_cast<int>(open.size()));
      if (shape.depth > kMaxDepth) return shape;
    } else if (open.empty()) {
      continue;
    } else if (c == '}' || c == ']') {
      open.pop_back();
    } else if (c == ',' && open.back().first == '{') {
      shape.members = std::max(shape.members, ++open.back().second + 1);
    }
  }
  return shape;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& place) {
  const Shape shape = shape_of(text);
  if (shape.depth > kMaxDepth) {
    return bad_input(place, "JSON is nested too deeply", fmt::format("at most {} levels", kMaxDepth));
  }
  if (shape.members > kMaxMembers) {
    return bad_input(place, fmt::format("a JSON object has {} members", shape.members),
                     fmt::format("at most {}", kMaxMembers));
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return bad_input(place, fmt::format("not valid JSON at {}", position_in(text, error.byte)),
                     "one well-formed JSON value");
  } catch (const nlohmann::json::exception&) {
    return bad_input(place, "a number in the JSON is out of range", "at most about 1.8e308 in size");
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
