#include "reports/csv/csv.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text/utf8.h"

namespace sizeup {

CsvTable::CsvTable(const std::vector<std::string_view>& header) : columns_(header.size()) {
  for (const std::string_view name : header) text(name);
}

void CsvTable::cell(std::string_view value, bool quoted) {
  if (column_ > 0) content_ += ',';
  if (quoted) {
    content_ += '"';
    for (const char c : value) {
      if (c == '"') content_ += '"';
      content_ += c;
    }
    content_ += '"';
  } else {
    content_ += value;
  }
  if (++column_ == columns_) {
    content_ += "\r\n";
    column_ = 0;
  }
}

CsvTable& CsvTable::text(std::string_view value) {
  const std::string valid = replace_invalid_utf8(value);
  const bool formula =
      !valid.empty() && std::string_view("=+-@\t\r").find(valid[0]) != std::string_view::npos;
  std::string safe;
  if (formula) safe += '\'';
  safe += valid;
  const bool quoted = safe.find_first_of(",\"\r\n") != std::string::npos;
  cell(safe, quoted);
  return *this;
}

CsvTable& CsvTable::number(double value) {
  cell(std::isfinite(value) ? fmt::format("{}", value) : std::string(), false);
  return *this;
}

CsvTable& CsvTable::number(const std::optional<double>& value) {
  return number(value ? *value : std::nan(""));
}

CsvTable& CsvTable::integer(int64_t value) {
  cell(std::to_string(value), false);
  return *this;
}

CsvTable& CsvTable::integer(const std::optional<int64_t>& value) {
  if (value) return integer(*value);
  cell({}, false);
  return *this;
}

}  // namespace sizeup
