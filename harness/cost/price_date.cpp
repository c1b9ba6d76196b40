#include "harness/cost/price_date.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace sizeup {
namespace {

constexpr std::string_view kForm = "2026-03-01";

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::sys_days> day_of(std::string_view text) {
  if (text.size() < kForm.size() || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// In days, of what is old.
std::optional<int64_t> old_age(std::string_view date, std::string_view now) {
  const std::optional<int64_t> age = days_between(date, now);
  return age && *age > kOldPriceDays ? age : std::nullopt;
}

}  // namespace

bool is_date(std::string_view text) {
  return text.size() == kForm.size() && day_of(text);
}

std::optional<int64_t> days_between(std::string_view from, std::string_view to) {
  const auto first = day_of(from);
  const auto last = day_of(to);
  if (!first || !last) return std::nullopt;
  return (*last - *first).count();
}

std::optional<std::string> old_price_warning(std::string_view date, std::string_view now) {
  const auto age = old_age(date, now);
  if (!age) return std::nullopt;
  return fmt::format("Prices of {} are {} days old: check them.", date, *age);
}

std::string price_date_text(std::string_view date, std::string_view now) {
  if (date.empty()) return {};
  const auto age = old_age(date, now);
  return age ? fmt::format("prices of {}, {} days old", date, *age) : fmt::format("prices of {}", date);
}

}  // namespace sizeup
