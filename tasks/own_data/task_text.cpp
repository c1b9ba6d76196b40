#include "tasks/own_data/task_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sizeup {
namespace {

constexpr size_t kLineBytes = 110;  // the width of a line of the file
constexpr int kOpenLevels = 2;      // of maps: the properties of a schema stand on lines of their own

// Plain words need no quotes; what YAML would read as something else than a text gets them.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 60) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (!letter(text[0])) return false;
  for (const char c : text) {
    if (!letter(c) && c != '-') return false;
  }
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}) {
    if (text == word) return false;
  }
  return true;
}

std::string scalar(const Json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
  return to_line(value);
}

std::string flow(const Json& value) {
  if (!value.is_structured()) return scalar(value);
  std::vector<std::string> items;
  for (const auto& item : value.items()) {
    const std::string inner = flow(item.value());
    items.push_back(value.is_object() ? fmt::format("{}: {}", scalar(item.key()), inner) : inner);
  }
  return fmt::format("{}{}{}", value.is_object() ? "{" : "[", fmt::join(items, ", "),
                     value.is_object() ? "}" : "]");
}

std::string lines(const std::string& key, const Json& value, int level, const std::string& comment) {
  const std::string indent(static_cast<size_t>(2 * level), ' ');
  std::string line = fmt::format("{}{}: {}", indent, scalar(key), flow(value));
  if (!value.is_object() || level == kOpenLevels || line.size() < kLineBytes) {
    if (!comment.empty() && line.size() + comment.size() > kLineBytes)
      return fmt::format("{}# {}\n{}\n", indent, comment, line);
    return comment.empty() ? line + "\n" : fmt::format("{}   # {}\n", line, comment);
  }
  std::string out = fmt::format("{}{}:{}{}\n", indent, scalar(key), comment.empty() ? "" : "   # ", comment);
  for (const auto& item : value.items()) out += lines(item.key(), item.value(), level + 1, "");
  return out;
}

}  // namespace

TaskText::TaskText(std::string_view heading) : text_(heading) {}

void TaskText::add(std::string_view key, const Json& value, std::string_view comment) {
  text_ += lines(std::string(key), value, 0, std::string(comment));
}

}  // namespace sizeup
