// RFC 4180, and safe to open in a spreadsheet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sizeup {

// One file's rows. Lines end with CRLF as the RFC has it; the first row is the header.
class CsvTable {
 public:
  explicit CsvTable(const std::vector<std::string_view>& header);

  // A new row is begun by the first cell after the last column.
  // Text that a spreadsheet would take for a formula (it begins with = + - @, tab or CR) gets an apostrophe
  // before it; invalid UTF-8 becomes U+FFFD.
  CsvTable& text(std::string_view value);
  // Shortest digits that read back as the same number; an empty cell for no number.
  CsvTable& number(double value);
  CsvTable& number(const std::optional<double>& value);
  CsvTable& integer(int64_t value);
  CsvTable& integer(const std::optional<int64_t>& value);

  const std::string& content() const { return content_; }
  // What has been written since the last call: a long table goes to its file in pieces.
  std::string take() { return std::exchange(content_, {}); }

 private:
  void cell(std::string_view value, bool quoted);

  size_t columns_;
  size_t column_ = 0;
  std::string content_;
};

}  // namespace sizeup
