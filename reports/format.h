// Numbers as people read them: true minus, no-break spaces before units, "lo…hi" for intervals. Rounding
// never contradicts a verdict.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/decide/verdict.h"
#include "harness/statistics/interval.h"

namespace sizeup {

inline constexpr std::string_view kNone = "–";  // where there is no number

std::string format_count(int64_t value);                       // 1,336,400
std::string format_percent(double fraction, int digits = 1);   // 89.2 %
std::string format_percent_range(double lo, double hi);        // 87.8…90.5
std::string format_points(double difference);                  // −0.8, +0.3, 0.0: percentage points
std::string format_significant(double value, int digits = 3);  // 0.00123, 12.3, 1,230
std::string format_duration(double ms);                        // 3.21 ms, 321 ms, 1.84 s, 9 min 26 s
std::string format_duration_range(double lo, double hi);       // in the unit of the larger end, unit left out
std::string format_p(double p);                                // 0.18, < 0.0001
std::string format_bytes(int64_t bytes);                       // 3.4 GB
std::string format_parameters(int64_t count);                  // 1.2 M
std::string format_money(double amount, std::string_view currency);  // $0.111, €12.50, CHF 3,400
std::string format_margin(double margin);  // "5" for 0.05: percentage points, no unit

// A difference's interval, "−1.9…+0.3". An end that would round onto the margin or onto zero, or to their
// other side, gets more digits: a verdict must follow from what is printed.
std::string format_points_range(double lo, double hi, double margin);

std::string_view verdict_word(Verdict verdict);   // "yes", "no", "not enough data"
std::string_view verdict_class(Verdict verdict);  // "yes", "no", "open": also the JSON's words

}  // namespace sizeup
