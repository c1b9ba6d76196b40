#include "tasks/own_data/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "tasks/text/nearest.h"
#include "tasks/text/python_literal.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

// Words that a template cannot use as a name.
constexpr std::array<std::string_view, 19> kReserved = {
    "and",  "or",    "not",   "in",   "is",   "if",   "else", "elif",      "for", "true",
    "True", "false", "False", "none", "None", "loop", "set",  "recursive", "_doc"};

}  // namespace

bool is_blank(const Json& value) {
  return value.is_null() || (value.is_string() && python_strip(value.get_ref<const std::string&>()).empty());
}

bool is_text(const Json& value) {
  return value.is_string();
}

bool is_list(const Json& value) {
  return value.is_array();
}

bool is_integer(const Json& value) {
  constexpr size_t kMostDigits = 6;  // an index or a class; longer ones are numbers of something
  if (value.is_number_integer()) return to_line(value).size() <= kMostDigits;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_record(const Json& value) {
  if (value.is_object()) return true;
  if (!value.is_string()) return false;
  const std::string_view text = python_strip(value.get_ref<const std::string&>());
  if (!text.starts_with('{') || !text.ends_with('}')) return false;
  const Result<Json> parsed = parse_json(text, "");
  return parsed && parsed->is_object();
}

bool is_stripped(const Json& value) {
  if (!value.is_string()) return true;
  const auto& text = value.get_ref<const std::string&>();
  return python_strip(text).size() == text.size();
}

bool is_scalar(const Json& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

std::optional<std::vector<std::string>> literal_texts(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  const std::optional<Json> literal = parse_python_literal(value.get_ref<const std::string&>());
  if (!literal || !is_text_list(*literal) || literal->empty()) return std::nullopt;
  return literal->get<std::vector<std::string>>();
}

bool holds_texts(const Json& value) {
  return value.is_object() && value.contains("text") && is_text_list(value["text"]);
}

std::string folded_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

bool Values::all(bool (*holds)(const Json& value)) const {
  bool any = false;
  for (const Json& value : rows) {
    if (is_blank(value)) continue;
    if (!holds(value)) return false;
    any = true;
  }
  return any;
}

size_t Values::blank() const {
  return static_cast<size_t>(std::count_if(rows.begin(), rows.end(), is_blank));
}

std::vector<std::string> Values::distinct() const {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  const auto add = [&](const Json& value) {
    if (is_blank(value)) return;
    std::string text = python_text(value);
    if (seen.insert(text).second) out.push_back(std::move(text));
  };
  for (const Json& value : rows) {
    if (!value.is_array()) {
      add(value);
      continue;
    }
    for (const Json& item : value) add(item);
  }
  return out;
}

double Values::mean_bytes() const {
  if (rows.empty()) return 0.0;
  double total = 0.0;
  for (const Json& value : rows) {
    if (!is_blank(value)) total += static_cast<double>(python_text(value).size());
  }
  return total / static_cast<double>(rows.size());
}

size_t Values::most_bytes() const {
  size_t most = 0;
  for (const Json& value : rows) most = std::max(most, python_text(value).size());
  return most;
}

bool Fields::has(const std::string& name) const {
  return std::find(names().begin(), names().end(), name) != names().end();
}

Values Fields::values(const std::string& name) const {
  Values values;
  for (const Json& row : documents_.rows) {
    const auto found = row.find(name);
    values.rows.push_back(found == row.end() ? Json() : *found);
  }
  return values;
}

std::optional<std::string> Fields::first_of(std::span<const std::string_view> folded) const {
  for (const std::string_view wanted : folded) {
    for (const std::string& name : names()) {
      if (folded_name(name) == wanted) return name;
    }
  }
  return std::nullopt;
}

Result<void> Fields::require_field(std::string_view option, const std::string& name) const {
  if (has(name)) return {};
  return tl::unexpected<Error>(
      Error{ErrorKind::usage, documents_.name,
            fmt::format("{} names the field '{}', which the rows do not have", option, name), listing(),
            did_you_mean(name, names())});
}

std::string Fields::listing() const {
  return fmt::format("one of {}", fmt::join(names(), ", "));
}

std::string accessor(const std::string& field) {
  const bool reserved = std::find(kReserved.begin(), kReserved.end(), field) != kReserved.end();
  if (is_word(field) && !reserved) return field;
  return fmt::format("_doc[{}]", to_line(Json(field)));
}

}  // namespace sizeup
