#include "core/text/from_chars.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

namespace sizeup {
namespace {

// Everything that a caller can see of a reading: bits of the value, what is left, the error.
template <class Number, class Read>
std::string reading(std::string_view text, Read read) {
  Number value = -77;
  const auto [rest, error] = read(text.data(), text.data() + text.size(), value);
  using Bits = std::conditional_t<sizeof(Number) == sizeof(uint64_t), uint64_t, uint32_t>;
  return std::to_string(std::bit_cast<Bits>(value)) + " '" + std::string(rest, text.data() + text.size()) +
         "' " + std::to_string(static_cast<int>(error));
}

template <class Number>
void expect_as_the_library(std::string_view text) {
#if defined(__cpp_lib_to_chars)
  const auto library = [](const char* begin, const char* end, Number& value) {
    return std::from_chars(begin, end, value);
  };
  const auto ours = [](const char* begin, const char* end, Number& value) {
    return from_chars_by_strtod(begin, end, value);
  };
  EXPECT_EQ(reading<Number>(text, ours), reading<Number>(text, library)) << '"' << text << '"';
#else
  static_cast<void>(text);
#endif
}

TEST(FromChars, ByStrtodReadsWhatTheLibraryReads) {
  for (const std::string_view text : {"",       "1",      "-1.5",     "+1",
                                      " 1",     "1 ",     "1.5,2",    ".5",
                                      "-.5",    ".",      "-",        "1.",
                                      "1e5",    "1e",     "1e+",      "1E-3x",
                                      "0x10",   "-0X1p3", "0",        "-0",
                                      "inf",    "-INF",   "infinity", "infin",
                                      "nan",    "NaN(x)", "1e308",    "1e309",
                                      "-1e999", "1e-320", "1e-400",   "1e39",
                                      "1e-42",  "1e-60",  "1_000",    "1.2.3",
                                      "1-2",    "--1",    "e5",       "in",
                                      "0e999",  "\t3",    "00012",    "2.4703282292062328e-324"}) {
    expect_as_the_library<double>(text);
    expect_as_the_library<float>(text);
  }
}

TEST(FromChars, ByStrtodRoundsAsTheLibrary) {
  for (uint64_t i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(i * 0x9E3779B97F4A7C15ULL);
    for (const int digits : {5, 17, 25}) {
      char text[400];
      const int size = std::snprintf(text, sizeof text, "%.*g", digits, value);
      expect_as_the_library<double>({text, static_cast<size_t>(size)});
      expect_as_the_library<float>({text, static_cast<size_t>(size)});
    }
  }
}

TEST(FromChars, ReadsEveryKindOfNumber) {
  const std::string_view text = "12.5";
  double real = 0;
  EXPECT_EQ(from_chars(text.data(), text.data() + text.size(), real).ec, std::errc());
  EXPECT_EQ(real, 12.5);
  int whole = 0;
  EXPECT_EQ(from_chars(text.data(), text.data() + text.size(), whole).ptr, text.data() + 2);
  EXPECT_EQ(whole, 12);
}

}  // namespace
}  // namespace sizeup
