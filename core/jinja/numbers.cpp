#include "core/jinja/numbers.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "core/jinja/text.h"
#include "core/text/from_chars.h"

namespace sizeup::jinja {
namespace {

// Digits and decimal exponent of the shortest representation: 0.d1d2d3... times 10^exponent.
struct Shortest {
  std::string digits;
  int exponent;
};

Shortest shortest_digits(double magnitude) {
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, magnitude, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t e = text.find('e');
  Shortest out{std::string(text.substr(0, 1)), 0};
  if (e > 2) out.digits += text.substr(2, e - 2);
  const size_t sign = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + sign, text.data() + text.size(), out.exponent);
  out.exponent += 1;
  return out;
}

[[noreturn]] void fail_overflow() {
  fail("integer result does not fit in 64 bits");
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) fail("integer division or modulo by zero");
  if (a == std::numeric_limits<int64_t>::min() && b == -1) fail_overflow();
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == 0) fail("integer division or modulo by zero");
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

// CPython's float_divmod.
double float_modulo(double a, double b) {
  if (b == 0) fail("float modulo by zero");
  double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  if ((b < 0) != (rest < 0)) rest += b;
  return rest;
}

double float_floor_divide(double a, double b) {
  if (b == 0) fail("float floor division by zero");
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) fail_overflow();
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) fail_overflow();
  }
}

double float_power(double base, double exponent) {
  if (base == 0 && exponent < 0) fail("0.0 cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    fail_not_supported("a complex number (a negative number to a fractional power)");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) fail("float result too large");
  return result;
}

Value integer_arithmetic(std::string_view symbol, int64_t a, int64_t b) {
  int64_t result = 0;
  if (symbol == "+") {
    if (__builtin_add_overflow(a, b, &result)) fail_overflow();
    return result;
  }
  if (symbol == "-") {
    if (__builtin_sub_overflow(a, b, &result)) fail_overflow();
    return result;
  }
  if (symbol == "*") {
    if (__builtin_mul_overflow(a, b, &result)) fail_overflow();
    return result;
  }
  if (symbol == "/") {
    if (b == 0) fail("division by zero");
    // long double holds both exactly where it has 64 bits of mantissa.
    return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
  }
  if (symbol == "//") return floor_divide(a, b);
  if (symbol == "%") return floor_modulo(a, b);
  if (b < 0) {
    if (a == 0) fail("0.0 cannot be raised to a negative power");
    return float_power(static_cast<double>(a), static_cast<double>(b));
  }
  return integer_power(a, b);
}

Value float_arithmetic(std::string_view symbol, double a, double b) {
  if (symbol == "+") return a + b;
  if (symbol == "-") return a - b;
  if (symbol == "*") return a * b;
  if (symbol == "/") {
    if (b == 0) fail("float division by zero");
    return a / b;
  }
  if (symbol == "//") return float_floor_divide(a, b);
  if (symbol == "%") return float_modulo(a, b);
  return float_power(a, b);
}

std::optional<int> sign_of(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::nullopt;
  return a < b ? -1 : (a > b ? 1 : 0);
}

std::optional<int> compare_mixed(int64_t a, double b) {
  if (std::isnan(b)) return std::nullopt;
  constexpr double kTwo63 = 9223372036854775808.0;
  if (b >= kTwo63) return -1;
  if (b < -kTwo63) return 1;
  const auto whole = static_cast<int64_t>(b);  // towards zero
  if (a != whole) return a < whole ? -1 : 1;
  return sign_of(0.0, b - static_cast<double>(whole));
}

// Python accepts "1_000" but no doubled, leading or trailing underscore.
std::optional<std::string> without_underscores(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      out += digits[i];
      continue;
    }
    const bool inside = i > 0 && i + 1 < digits.size() &&
                        std::isalnum(static_cast<unsigned char>(digits[i - 1])) &&
                        std::isalnum(static_cast<unsigned char>(digits[i + 1]));
    if (!inside) return std::nullopt;
  }
  return out;
}

int base_of_prefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char letter = static_cast<char>(text[1] | 0x20);
  return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const std::string sign = std::signbit(value) ? "-" : "";
  if (value == 0) return sign + "0.0";
  const auto [digits, exponent] = shortest_digits(std::fabs(value));
  const int count = static_cast<int>(digits.size());
  const std::string_view all = digits;
  // Python's rule for repr: scientific below 1e-4 and from 1e16.
  if (exponent <= -4 || exponent > 16) {
    return fmt::format("{}{}{}{}e{}{:02}", sign, all[0], count > 1 ? "." : "", all.substr(1),
                       exponent - 1 < 0 ? '-' : '+', std::abs(exponent - 1));
  }
  if (exponent <= 0) return fmt::format("{}0.{:0>{}}{}", sign, "", -exponent, all);
  if (exponent >= count) return fmt::format("{}{}{:0>{}}.0", sign, all, "", exponent - count);
  const auto point = static_cast<size_t>(exponent);
  return fmt::format("{}{}.{}", sign, all.substr(0, point), all.substr(point));
}

std::optional<int64_t> parse_integer(std::string_view text, int base) {
  text = strip_left(strip_right(text));
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const int prefix = base_of_prefix(text);
  if (prefix != 10 && (base == prefix || base == 0)) {
    text.remove_prefix(2);
    if (!text.empty() && text[0] == '_') text.remove_prefix(1);
    base = prefix;
  } else if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
      return std::nullopt;
  }
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || (*digits)[0] == '-') return std::nullopt;
  uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), magnitude, base);
  if (end != digits->data() + digits->size()) return std::nullopt;
  const uint64_t limit = uint64_t{1} << 63;
  if (error == std::errc::result_out_of_range || magnitude > (negative ? limit : limit - 1)) fail_overflow();
  if (error != std::errc()) return std::nullopt;
  return negative ? static_cast<int64_t>(~magnitude + 1) : static_cast<int64_t>(magnitude);
}

std::optional<double> parse_real(std::string_view text) {
  text = strip_left(strip_right(text));
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const std::string name = to_lower(text);
  double value = 0;
  if (name == "inf" || name == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (name == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    const auto digits = without_underscores(text);
    if (!digits || digits->empty()) return std::nullopt;
    if (digits->find_first_not_of("0123456789.eE+-") != std::string::npos || (*digits)[0] == '-')
      return std::nullopt;
    const auto [end, error] = from_chars(digits->data(), digits->data() + digits->size(), value);
    if (end != digits->data() + digits->size() || error == std::errc::invalid_argument) return std::nullopt;
    if (error == std::errc::result_out_of_range)
      value = std::strtod(digits->c_str(), nullptr);  // inf or 0, as Python
  }
  return negative ? -value : value;
}

int64_t truncate_to_integer(double value) {
  if (std::isnan(value)) fail("cannot convert float NaN to integer");
  if (std::isinf(value)) fail("cannot convert float infinity to integer");
  if (value >= 9223372036854775808.0 || value < -9223372036854775808.0) fail_overflow();
  return static_cast<int64_t>(value);
}

double round_to(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return std::copysign(0.0, value);
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / scale) * scale;
  }
  // Correctly rounded decimal text of the exact value, ties to even: what CPython does with dtoa.
  const std::string text = fmt::format("{:.{}f}", value, digits);
  double out = 0;
  from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

Value arithmetic(std::string_view symbol, const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer())
    return integer_arithmetic(symbol, left.integer(), right.integer());
  return float_arithmetic(symbol, left.real(), right.real());
}

std::optional<int> compare_numbers(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) {
    const int64_t a = left.integer();
    const int64_t b = right.integer();
    return a < b ? -1 : (a > b ? 1 : 0);
  }
  if (left.is_integer()) return compare_mixed(left.integer(), right.real());
  if (right.is_integer()) {
    const auto flipped = compare_mixed(right.integer(), left.real());
    if (!flipped) return std::nullopt;
    return -*flipped;
  }
  return sign_of(left.real(), right.real());
}

}  // namespace sizeup::jinja
