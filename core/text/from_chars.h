// std::from_chars for every kind of number. Apple's standard library has it for integers alone.
#pragma once

#include <charconv>
#include <concepts>

namespace sizeup {

// What std::from_chars says of a floating-point number, by strtod: where the library does not have it. The
// program never sets a locale, which strtod would obey.
std::from_chars_result from_chars_by_strtod(const char* begin, const char* end, double& value);
std::from_chars_result from_chars_by_strtod(const char* begin, const char* end, float& value);

template <class Number>
std::from_chars_result from_chars(const char* begin, const char* end, Number& value) {
#if defined(__cpp_lib_to_chars)
  return std::from_chars(begin, end, value);
#else
  if constexpr (std::floating_point<Number>) {
    return from_chars_by_strtod(begin, end, value);
  } else {
    return std::from_chars(begin, end, value);
  }
#endif
}

}  // namespace sizeup
