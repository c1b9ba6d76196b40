#include "cli/json_lines.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>

namespace sizeup::cli {

Result<std::vector<InputLine>> read_lines(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return bad_input(file, "cannot be opened", "a file of JSON lines, or - for standard input");
  }
  std::istream& stream = file == "-" ? std::cin : opened;
  const std::string name = file == "-" ? "standard input" : file;

  std::vector<InputLine> lines;
  std::string text;
  for (int64_t number = 1; std::getline(stream, text); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", name, number);
    InputLine line{static_cast<int64_t>(lines.size()), parse_json(text, place)};
    if (line.object && !line.object->is_object()) {
      line.object = bad_input(place, "is not an object", "one JSON object a line");
    }
    if (line.object && line.object->contains("id")) line.id = line.object->at("id");
    lines.push_back(std::move(line));
  }
  return lines;
}

void OrderedLines::put(size_t index, const Json& line) {
  emit(index, to_line(line));
}

void OrderedLines::put_error(size_t index, const Json& id, const Error& error) {
  ++bad_;
  Json line;
  line["id"] = id;
  line["error"] = describe(error);
  emit(index, to_line(line));
}

void OrderedLines::emit(size_t index, std::string text) {
  waiting_.emplace(index, std::move(text));
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; ++next_) {
    std::cout << first->second << '\n';
    first = waiting_.erase(first);
  }
  std::cout.flush();
}

Result<std::string> string_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return bad_input("", fmt::format("\"{}\" is missing", key), "a string");
  if (!found->is_string()) {
    return bad_input("", fmt::format("\"{}\" is {}", key, found->type_name()), "a string");
  }
  return found->get<std::string>();
}

bool has_messages(const Json& object) {
  return object.contains("messages");
}

}  // namespace sizeup::cli
