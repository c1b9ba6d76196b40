#include "core/jinja/time_format.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ctime>
#include <iterator>

namespace sizeup::jinja {
namespace {

constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

struct Time {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int microsecond = 0;
  int week_day = 0;  // Sunday is 0
  int year_day = 0;  // 1 January is 1
};

[[noreturn]] void fail_time(std::string_view now) {
  fail(fmt::format("strftime_now: the current time '{}' is not of the form 2026-01-15T09:30:00", now));
}

// Digits at `at`, which must all be there.
int number_at(std::string_view text, size_t at, size_t digits) {
  int value = 0;
  const char* begin = text.data() + at;
  if (at + digits > text.size() || std::from_chars(begin, begin + digits, value).ptr != begin + digits ||
      value < 0) {
    fail_time(text);
  }
  return value;
}

Time parse_time(std::string_view now) {
  Time time;
  if (now.size() < 10 || now[4] != '-' || now[7] != '-') fail_time(now);
  time.year = number_at(now, 0, 4);
  time.month = number_at(now, 5, 2);
  time.day = number_at(now, 8, 2);
  if (now.size() > 10) {
    if ((now[10] != 'T' && now[10] != ' ') || now.size() < 16 || now[13] != ':') fail_time(now);
    time.hour = number_at(now, 11, 2);
    time.minute = number_at(now, 14, 2);
    if (now.size() >= 19 && now[16] == ':') time.second = number_at(now, 17, 2);
    if (now.size() > 19 && now[19] == '.') {
      int scale = 100'000;
      for (size_t i = 20; i < now.size() && now[i] >= '0' && now[i] <= '9'; ++i, scale /= 10) {
        time.microsecond += (now[i] - '0') * scale;
      }
    }
  }
  const std::chrono::year_month_day date(std::chrono::year(time.year),
                                         std::chrono::month(static_cast<unsigned>(time.month)),
                                         std::chrono::day(static_cast<unsigned>(time.day)));
  if (!date.ok() || time.hour > 23 || time.minute > 59 || time.second > 60) fail_time(now);
  const std::chrono::sys_days days = date;
  time.week_day = static_cast<int>(std::chrono::weekday(days).c_encoding());
  time.year_day = (days - std::chrono::sys_days(date.year() / 1 / 1)).count() + 1;
  return time;
}

int hour_of_half_day(const Time& time) {
  return time.hour % 12 == 0 ? 12 : time.hour % 12;
}

// A number with its padding; "%-d" takes the padding away.
std::string padded(int value, int width, char fill, bool plain) {
  if (plain) return std::to_string(value);
  return fill == '0' ? fmt::format("{:0{}}", value, width) : fmt::format("{:{}}", value, width);
}

// ISO 8601 week and its year.
std::pair<int, int> iso_week(const Time& time) {
  const int monday_based = (time.week_day + 6) % 7;
  const int week = (time.year_day - 1 - monday_based + 10) / 7;
  const auto weeks_in = [](int year) {
    const auto first =
        std::chrono::weekday(std::chrono::sys_days(std::chrono::year(year) / 1 / 1)).c_encoding();
    const bool leap = std::chrono::year(year).is_leap();
    return first == 4 || (leap && first == 3) ? 53 : 52;
  };
  if (week < 1) return {weeks_in(time.year - 1), time.year - 1};
  if (week > weeks_in(time.year)) return {1, time.year + 1};
  return {week, time.year};
}

std::string directive(const Time& t, char letter, bool plain) {
  switch (letter) {
    case 'a':
      return std::string(kDays[t.week_day].substr(0, 3));
    case 'A':
      return std::string(kDays[t.week_day]);
    case 'b':
    case 'h':
      return std::string(kMonths[t.month - 1].substr(0, 3));
    case 'B':
      return std::string(kMonths[t.month - 1]);
    case 'c':
      return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", kDays[t.week_day].substr(0, 3),
                         kMonths[t.month - 1].substr(0, 3), t.day, t.hour, t.minute, t.second, t.year);
    case 'C':
      return padded(t.year / 100, 2, '0', plain);
    case 'd':
      return padded(t.day, 2, '0', plain);
    case 'D':
    case 'x':
      return fmt::format("{:02}/{:02}/{:02}", t.month, t.day, t.year % 100);
    case 'e':
      return padded(t.day, 2, ' ', plain);
    case 'f':
      return fmt::format("{:06}", t.microsecond);
    case 'F':
      return fmt::format("{}-{:02}-{:02}", t.year, t.month, t.day);
    case 'g':
      return padded(iso_week(t).second % 100, 2, '0', plain);
    case 'G':
      return std::to_string(iso_week(t).second);
    case 'H':
      return padded(t.hour, 2, '0', plain);
    case 'I':
      return padded(hour_of_half_day(t), 2, '0', plain);
    case 'j':
      return padded(t.year_day, 3, '0', plain);
    case 'k':
      return padded(t.hour, 2, ' ', plain);
    case 'l':
      return padded(hour_of_half_day(t), 2, ' ', plain);
    case 'm':
      return padded(t.month, 2, '0', plain);
    case 'M':
      return padded(t.minute, 2, '0', plain);
    case 'n':
      return "\n";
    case 'p':
      return t.hour < 12 ? "AM" : "PM";
    case 'P':
      return t.hour < 12 ? "am" : "pm";
    case 'r':
      return fmt::format("{:02}:{:02}:{:02} {}", hour_of_half_day(t), t.minute, t.second,
                         t.hour < 12 ? "AM" : "PM");
    case 'R':
      return fmt::format("{:02}:{:02}", t.hour, t.minute);
    case 'S':
      return padded(t.second, 2, '0', plain);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return fmt::format("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
    case 'u':
      return std::to_string(t.week_day == 0 ? 7 : t.week_day);
    case 'U':
      return padded((t.year_day - 1 + 7 - t.week_day) / 7, 2, '0', plain);
    case 'V':
      return padded(iso_week(t).first, 2, '0', plain);
    case 'w':
      return std::to_string(t.week_day);
    case 'W':
      return padded((t.year_day - 1 + 7 - (t.week_day + 6) % 7) / 7, 2, '0', plain);
    case 'y':
      return padded(t.year % 100, 2, '0', plain);
    case 'Y':
      return std::to_string(t.year);
    case 'z':
    case 'Z':
      return "";  // datetime.now() carries no zone
    case '%':
      return "%";
    default:
      fail_not_supported(fmt::format("'%{}' in strftime_now", letter));
  }
}

}  // namespace

std::string format_time(std::string_view now, std::string_view format, Limits& limits) {
  const Time time = parse_time(now);
  BoundedText out(limits);
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out.append(format.substr(i, 1));
      continue;
    }
    if (++i == format.size()) {
      out.append("%");
      break;
    }
    const bool plain = format[i] == '-' && i + 1 < format.size();
    if (plain) ++i;
    out.append(directive(time, format[i], plain));
  }
  return out.take();
}

}  // namespace sizeup::jinja
