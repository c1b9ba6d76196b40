#include "datasets/readers/json_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/json/json.h"
#include "datasets/readers/text_lines.h"

namespace sizeup {
namespace {

constexpr std::string_view kJsonSpace = " \t\r\n";

bool is_blank(std::string_view line) {
  return line.find_first_not_of(kJsonSpace) == std::string_view::npos;
}

tl::unexpected<Error> not_an_object(const std::string& place, const Json& row) {
  return bad_input(place, fmt::format("the row is {} {}", row.is_array() ? "an" : "a", row.type_name()),
                   R"(an object such as {"question": "...", "answer": "..."})");
}

// Where each element of a valid JSON array begins.
std::vector<size_t> element_starts(std::string_view text) {
  std::vector<size_t> starts;
  int depth = 0;
  bool in_string = false;
  bool expecting = false;  // the next thing that is no white space begins an element
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (kJsonSpace.find(c) != std::string_view::npos) continue;
    if (depth == 1 && expecting && c != ']') {
      starts.push_back(i);
      expecting = false;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') expecting = ++depth == 1;
    if (c == ']' || c == '}') --depth;
    if (c == ',' && depth == 1) expecting = true;
  }
  return starts;
}

Result<std::vector<Json>> read_array(std::string_view text, const std::string& file) {
  Result<Json> parsed = parse_json(text, file);
  if (!parsed) return forward_error(parsed);
  const auto wrong =
      std::find_if(parsed->begin(), parsed->end(), [](const Json& row) { return !row.is_object(); });
  if (wrong != parsed->end()) {
    const auto index = static_cast<size_t>(wrong - parsed->begin());
    return not_an_object(place_of_byte(text, element_starts(text)[index], file), *wrong);
  }
  std::vector<Json> rows;
  rows.reserve(parsed->size());
  for (Json& row : *parsed) rows.push_back(std::move(row));
  return rows;
}

}  // namespace

Result<std::vector<Json>> read_json_lines(std::string_view text, const std::string& file) {
  std::vector<Json> rows;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t newline = text.find('\n');
    const bool is_last = newline == std::string_view::npos;
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(is_last ? text.size() : newline + 1);
    if (is_blank(line)) continue;
    const std::string place = fmt::format("{}:{}", file, number);
    Result<Json> row = parse_json(line, place);
    if (!row) {
      row.error().expected = "one JSON object per line";
      if (is_last) row.error().hint = "the file ends within this row: the download or copy may be incomplete";
      return forward_error(row);
    }
    if (!row->is_object()) return not_an_object(place, *row);
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<std::vector<Json>> read_json(std::string_view text, const std::string& file) {
  const size_t first = text.find_first_not_of(kJsonSpace);
  if (first == std::string_view::npos) return bad_input(file, "the file is empty", "an array of objects");
  if (text[first] == '[') return read_array(text, file);
  Result<std::vector<Json>> rows = read_json_lines(text, file);
  if (!rows) rows.error().expected = "an array of objects, or one object a line";
  return rows;
}

}  // namespace sizeup
