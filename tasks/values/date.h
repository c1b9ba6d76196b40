// Dates as people write them in English and in figures.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
  auto operator<=>(const Date&) const = default;
};

struct DateInText {
  size_t begin = 0;  // byte offsets
  size_t end = 0;
  std::vector<Date> readings;  // two where day and month cannot be told apart: 03/04/2026
};

// All full dates of a text: 2026-04-02, 2026/4/2, 02.04.2026, 2/4/26, 2 April 2026, 2nd of April 2026,
// April 2nd, 2026, 02-Apr-2026. A date without a year is none.
std::vector<DateInText> find_dates(std::string_view text);

// The readings of a text that is one date; empty if it is something else.
std::vector<Date> read_date(std::string_view text);

bool share_reading(const std::vector<Date>& a, const std::vector<Date>& b);

}  // namespace sizeup
