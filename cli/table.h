// A table for the terminal, or the same rows as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json/json_fwd.h"

namespace sizeup::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  void add(std::vector<std::string> cells);  // as many as there are headers

  std::string to_text() const;  // columns aligned by code points, two spaces apart
  Json to_json() const;         // [{"header": "cell", ...}, ...]

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

// "  | " before each line.
std::string indented(std::string_view text);

// "0.8533"; "none" for NaN.
std::string number(double value, int decimals);

// "8.1 M", "1.2 B"; "unknown" for 0.
std::string count_in_words(int64_t count);

// "8.6 MB"; "unknown" for 0.
std::string bytes_in_words(int64_t bytes);

}  // namespace sizeup::cli
