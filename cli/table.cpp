#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/errors/result.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup::cli {
namespace {

// value as 1.2 <unit>, the unit being the largest that leaves at least one.
std::string scaled(int64_t value, const std::array<const char*, 4>& units) {
  double amount = static_cast<double>(value);
  size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < units.size(); ++unit) amount /= 1000;
  return unit == 0 ? fmt::format("{}{}", value, units[0]) : fmt::format("{:.1f}{}", amount, units[unit]);
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  require(cells.size() == headers_.size(), "a table's rows are as wide as its header");
  rows_.push_back(std::move(cells));
}

std::string Table::to_text() const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < headers_.size(); ++column) {
    size_t width = count_code_points(headers_[column]);
    for (const auto& row : rows_) width = std::max(width, count_code_points(row[column]));
    widths.push_back(width);
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& cells) {
    for (size_t column = 0; column < cells.size(); ++column) {
      text += cells[column];
      if (column + 1 < cells.size()) text.append(widths[column] - count_code_points(cells[column]) + 2, ' ');
    }
    text += '\n';
  };
  append(headers_);
  for (const auto& row : rows_) append(row);
  return text;
}

Json Table::to_json() const {
  Json list = Json::array();
  for (const auto& row : rows_) {
    Json object;
    for (size_t column = 0; column < headers_.size(); ++column) object[headers_[column]] = row[column];
    list.push_back(std::move(object));
  }
  return list;
}

std::string indented(std::string_view text) {
  std::string out = "  | ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  | ";
  }
  return out;
}

std::string number(double value, int decimals) {
  return std::isnan(value) ? std::string("none") : fmt::format("{:.{}f}", value, decimals);
}

std::string count_in_words(int64_t count) {
  return count == 0 ? "unknown" : scaled(count, {"", " k", " M", " B"});
}

std::string bytes_in_words(int64_t bytes) {
  return bytes == 0 ? "unknown" : scaled(bytes, {" B", " kB", " MB", " GB"});
}

}  // namespace sizeup::cli
