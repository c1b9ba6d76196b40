// The day of a price, and how old it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sizeup {

// Older prices are called old: vendors change theirs a few times a year.
inline constexpr int64_t kOldPriceDays = 90;

bool is_date(std::string_view text);  // 2026-03-01, and in the calendar

// Days from one date to another, which may begin a longer time (2026-03-01T10:00:00Z); nothing where one is
// no date.
std::optional<int64_t> days_between(std::string_view from, std::string_view to);

// A sentence on prices that are old; nothing of others, and without a date.
std::optional<std::string> old_price_warning(std::string_view date, std::string_view now);

// "prices of 2026-03-01", with ", 271 days old" where that is old; empty without a date.
std::string price_date_text(std::string_view date, std::string_view now);

}  // namespace sizeup
