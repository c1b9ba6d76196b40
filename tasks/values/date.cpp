#include "tasks/values/date.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_valid(const Date& date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1) return false;
  const bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
  return date.day <= kDays[static_cast<size_t>(date.month - 1)] + (leap && date.month == 2 ? 1 : 0);
}

struct Figures {
  int value = 0;
  int digits = 0;
};

// Reads one spelling at a place; every step fails or moves on.
class Cursor {
 public:
  Cursor(std::string_view text, size_t at) : text_(text), at_(at) {}
  size_t position() const { return at_; }

  // A whole run of digits of that many.
  std::optional<Figures> figures(int least, int most) {
    Figures out;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      if (++out.digits > most) return std::nullopt;
      out.value = out.value * 10 + (text_[at_++] - '0');
    }
    if (out.digits < least) return std::nullopt;
    return out;
  }

  char any_of(std::string_view characters) {
    if (at_ == text_.size() || characters.find(text_[at_]) == std::string_view::npos) return '\0';
    return text_[at_++];
  }

  bool word(std::string_view expected) {
    if (text_.size() - at_ < expected.size()) return false;
    for (size_t i = 0; i < expected.size(); ++i) {
      if (lower(text_[at_ + i]) != expected[i]) return false;
    }
    at_ += expected.size();
    return true;
  }

  void spaces() {
    while (any_of(" \t\r\n") != '\0') {
    }
  }

  void ordinal() { (void)(word("st") || word("nd") || word("rd") || word("th")); }

  int month() {
    constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                          "may",       "june",     "july",     "august",
                                                          "september", "october",  "november", "december"};
    for (size_t i = 0; i < kMonths.size(); ++i) {
      const size_t start = at_;
      const bool matched = word(kMonths[i]) || (i == 8 && word("sept")) || word(kMonths[i].substr(0, 3));
      if (matched && (at_ == text_.size() || !is_ascii_letter(text_[at_]))) return static_cast<int>(i) + 1;
      at_ = start;
    }
    return 0;
  }

  bool at_end_of_number() const { return at_ == text_.size() || !is_digit(text_[at_]); }

 private:
  std::string_view text_;
  size_t at_;
};

int full_year(Figures year) {
  if (year.digits > 2) return year.value;
  return year.value + (year.value < 70 ? 2000 : 1900);
}

std::vector<Date> valid_ones(std::vector<Date> dates) {
  std::erase_if(dates, [](const Date& date) { return !is_valid(date); });
  std::sort(dates.begin(), dates.end());
  dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
  return dates;
}

std::vector<Date> year_first(Cursor& cursor) {
  const auto year = cursor.figures(4, 4);
  if (!year) return {};
  const char separator = cursor.any_of("-/.");
  if (separator == '\0') return {};
  const auto month = cursor.figures(1, 2);
  if (!month || cursor.any_of({&separator, 1}) == '\0') return {};
  const auto day = cursor.figures(1, 2);
  if (!day) return {};
  return valid_ones({{year->value, month->value, day->value}});
}

// With points the day comes first; with slashes or dashes both orders are in use.
std::vector<Date> year_last(Cursor& cursor) {
  const auto first = cursor.figures(1, 2);
  if (!first) return {};
  const char separator = cursor.any_of("-/.");
  if (separator == '\0') return {};
  const auto second = cursor.figures(1, 2);
  if (!second || cursor.any_of({&separator, 1}) == '\0') return {};
  const auto year = cursor.figures(2, 4);
  if (!year || year->digits == 3) return {};
  std::vector<Date> dates = {{full_year(*year), second->value, first->value}};
  if (separator != '.') dates.push_back({full_year(*year), first->value, second->value});
  return valid_ones(std::move(dates));
}

std::vector<Date> day_month_name(Cursor& cursor) {
  const auto day = cursor.figures(1, 2);
  if (!day) return {};
  cursor.ordinal();
  const bool dashed = cursor.any_of(".-") == '-';
  cursor.spaces();
  if (cursor.word("of")) cursor.spaces();
  const int month = cursor.month();
  if (month == 0) return {};
  cursor.any_of(".-");
  cursor.any_of(",");
  cursor.spaces();
  const auto year = cursor.figures(dashed ? 2 : 4, 4);  // "5 March 30 people came" is no date
  if (!year || year->digits == 3) return {};
  return valid_ones({{full_year(*year), month, day->value}});
}

std::vector<Date> month_name_day(Cursor& cursor) {
  const int month = cursor.month();
  if (month == 0) return {};
  cursor.any_of(".");
  cursor.spaces();
  const auto day = cursor.figures(1, 2);
  if (!day) return {};
  cursor.ordinal();
  const bool comma = cursor.any_of(",") != '\0';
  const size_t before = cursor.position();
  cursor.spaces();
  if (!comma && cursor.position() == before) return {};
  const auto year = cursor.figures(4, 4);
  if (!year) return {};
  return valid_ones({{year->value, month, day->value}});
}

DateInText date_at(std::string_view text, size_t at) {
  constexpr std::array kSpellings{year_first, year_last, day_month_name, month_name_day};
  for (const auto spelling : kSpellings) {
    Cursor cursor(text, at);
    std::vector<Date> readings = spelling(cursor);
    if (!readings.empty() && cursor.at_end_of_number()) return {at, cursor.position(), std::move(readings)};
  }
  return {at, at, {}};
}

}  // namespace

std::vector<DateInText> find_dates(std::string_view text) {
  std::vector<DateInText> dates;
  for (size_t at = 0; at < text.size();) {
    const bool starts = is_digit(text[at]) || is_ascii_letter(text[at]);
    const bool inside = at > 0 && (is_digit(text[at - 1]) || is_ascii_letter(text[at - 1]));
    DateInText date{at, at, {}};
    if (starts && !inside) date = date_at(text, at);
    at = date.readings.empty() ? at + 1 : date.end;
    if (!date.readings.empty()) dates.push_back(std::move(date));
  }
  return dates;
}

std::vector<Date> read_date(std::string_view text) {
  const std::string_view stripped = python_strip(text);
  const DateInText date = date_at(stripped, 0);
  return date.end == stripped.size() ? date.readings : std::vector<Date>{};
}

bool share_reading(const std::vector<Date>& a, const std::vector<Date>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const Date& date) { return std::find(b.begin(), b.end(), date) != b.end(); });
}

}  // namespace sizeup
