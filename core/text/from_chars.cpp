#include "core/text/from_chars.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sizeup {
namespace {

double strtod_as(const char* text, char** end, double /*kind*/) {
  return std::strtod(text, end);
}
float strtod_as(const char* text, char** end, float /*kind*/) {
  return std::strtof(text, end);
}

bool may_be_of_number(char c) {
  constexpr std::string_view kOthers = "+-._()";  // nan(n_1) is a number
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || kOthers.find(c) != std::string_view::npos;
}

// The text up to where no number goes on, without what strtod takes and from_chars doesn't: spaces and a plus
// before the number give an empty text, a hexadecimal number gives its 0.
std::string readable(const char* begin, const char* end) {
  std::string text(begin, std::find_if_not(begin, end, may_be_of_number));
  if (text.starts_with('+')) return "";
  const size_t first = text.starts_with('-') ? 1 : 0;
  if (text.size() > first + 1 && text[first] == '0' && (text[first + 1] == 'x' || text[first + 1] == 'X'))
    text.resize(first + 1);
  return text;
}

template <class Number>
std::from_chars_result read(const char* begin, const char* end, Number& value) {
  const std::string text = readable(begin, end);
  char* stop = nullptr;
  errno = 0;
  const Number number = strtod_as(text.c_str(), &stop, Number{});
  if (stop == text.c_str()) return {begin, std::errc::invalid_argument};
  const char* const rest = begin + (stop - text.c_str());
  // A number between 0 and the least normal one is none beyond the range, though strtod may say so.
  if (errno == ERANGE && (std::isinf(number) || number == 0)) return {rest, std::errc::result_out_of_range};
  value = number;
  return {rest, std::errc()};
}

}  // namespace

std::from_chars_result from_chars_by_strtod(const char* begin, const char* end, double& value) {
  return read(begin, end, value);
}

std::from_chars_result from_chars_by_strtod(const char* begin, const char* end, float& value) {
  return read(begin, end, value);
}

}  // namespace sizeup
