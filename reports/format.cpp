#include "reports/format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace sizeup {
namespace {

constexpr std::string_view kSpace = "\u00a0";  // no-break space
constexpr std::string_view kMinus = "\u2212";
constexpr int kMostDigits = 4;  // an end closer to the margin than this prints as the margin

std::string with_true_minus(const std::string& number) {
  std::string out;
  for (const char c : number) {
    if (c == '-') {
      out += kMinus;
    } else {
      out += c;
    }
  }
  return out;
}

// Digits with an optional minus before them, in groups of three.
std::string grouped(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t left = digits.size() - i;
    const bool between = i > 0 && digits[i - 1] != '-' && left % 3 == 0;
    if (between) out += ',';
    out += digits[i];
  }
  return out;
}

// Plain ASCII "-1.9", "+0.3", "0.0".
std::string signed_fixed(double value, int digits) {
  const std::string text = fmt::format("{:+.{}f}", value, digits);
  if (std::strtod(text.c_str(), nullptr) == 0.0) return fmt::format("{:.{}f}", 0.0, digits);
  return text;
}

int side_of(double value, double threshold) {
  constexpr double kNoise = 1e-9;  // of percentage points: below any difference that samples can show
  if (std::fabs(value - threshold) < kNoise) return 0;
  return value < threshold ? -1 : 1;
}

std::string bound(double difference, double margin) {
  const double value = 100.0 * difference;
  for (int digits = 1;; ++digits) {
    const std::string text = signed_fixed(value, digits);
    const double printed = std::strtod(text.c_str(), nullptr);
    const bool same = side_of(value, -100.0 * margin) == side_of(printed, -100.0 * margin) &&
                      side_of(value, 0.0) == side_of(printed, 0.0);
    if (same || digits == kMostDigits) return with_true_minus(text);
  }
}

// What stands before an amount: "$", or the currency's code and a space.
std::string currency_symbol(std::string_view currency) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSymbols = {
      {{"USD", "$"}, {"EUR", "€"}, {"GBP", "£"}}};
  for (const auto& [code, symbol] : kSymbols) {
    if (code == currency) return std::string(symbol);
  }
  return fmt::format("{}{}", currency, kSpace);
}

struct TimeUnit {
  double ms;
  std::string_view name;
};

TimeUnit time_unit(double ms) {
  return ms < 1000.0 ? TimeUnit{1.0, "ms"} : TimeUnit{1000.0, "s"};
}

}  // namespace

std::string format_count(int64_t value) {
  return with_true_minus(grouped(std::to_string(value)));
}

std::string format_percent(double fraction, int digits) {
  if (std::isnan(fraction)) return std::string(kNone);
  return with_true_minus(fmt::format("{:.{}f}", 100.0 * fraction, digits)) + std::string(kSpace) + "%";
}

std::string format_percent_range(double lo, double hi) {
  if (std::isnan(lo) || std::isnan(hi)) return "no interval";
  return with_true_minus(fmt::format("{:.1f}…{:.1f}", 100.0 * lo, 100.0 * hi));
}

std::string format_points(double difference) {
  if (std::isnan(difference)) return std::string(kNone);
  return with_true_minus(signed_fixed(100.0 * difference, 1));
}

std::string format_points_range(double lo, double hi, double margin) {
  if (std::isnan(lo) || std::isnan(hi)) return "no interval";
  return bound(lo, margin) + "…" + bound(hi, margin);
}

std::string format_significant(double value, int digits) {
  if (std::isnan(value)) return std::string(kNone);
  if (value == 0.0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(value))));
  const int decimals = std::max(0, digits - 1 - magnitude);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (decimals == 0) text = grouped(text);
  return with_true_minus(text);
}

std::string format_duration(double ms) {
  if (std::isnan(ms)) return std::string(kNone);
  if (ms >= 60'000.0) {
    const auto seconds = static_cast<int64_t>(std::llround(ms / 1000.0));
    if (seconds >= 3600) return fmt::format("{}\u00a0h\u00a0{}\u00a0min", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}\u00a0min\u00a0{}\u00a0s", seconds / 60, seconds % 60);
  }
  const TimeUnit unit = time_unit(ms);
  return format_significant(ms / unit.ms) + std::string(kSpace) + std::string(unit.name);
}

std::string format_duration_range(double lo, double hi) {
  if (std::isnan(lo) || std::isnan(hi)) return "no interval";
  const TimeUnit unit = time_unit(hi);
  const std::string name = std::string(kSpace) + std::string(unit.name);
  return format_significant(lo / unit.ms) + "…" + format_significant(hi / unit.ms) + name;
}

std::string format_p(double p) {
  if (std::isnan(p)) return std::string(kNone);
  if (p < 0.0001) return "<\u00a00.0001";
  return fmt::format("{:.{}f}", p, p < 0.001 ? 4 : p < 0.1 ? 3 : 2);
}

std::string format_bytes(int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  return fmt::format("{:.{}f}\u00a0{}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string format_parameters(int64_t count) {
  const auto value = static_cast<double>(count);
  if (value >= 1e9) return fmt::format("{:.1f}\u00a0B", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f}\u00a0M", value / 1e6);
  return format_count(count);
}

std::string format_money(double amount, std::string_view currency) {
  const double size = std::fabs(amount);
  std::string digits;
  if (size >= 100.0) {
    digits = grouped(fmt::format("{:.0f}", amount));
  } else if (size >= 1.0) {
    digits = fmt::format("{:.2f}", amount);
  } else {
    digits = format_significant(amount);
  }
  return currency_symbol(currency) + digits;
}

std::string format_margin(double margin) {
  std::string text = fmt::format("{:.2f}", 100.0 * margin);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::yes:
      return "yes";
    case Verdict::no:
      return "no";
    case Verdict::not_enough_data:
      break;
  }
  return "not enough data";
}

std::string_view verdict_class(Verdict verdict) {
  return verdict == Verdict::not_enough_data ? "open" : verdict_word(verdict);
}

}  // namespace sizeup
