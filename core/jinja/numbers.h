// Python's integers (64-bit here; overflow is an error) and floats: operators, printing, parsing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/jinja/value.h"

namespace sizeup::jinja {

std::string float_repr(double value);  // repr(float): shortest text that reads back equal

// int(text, base) and float(text); nullopt where Python raises ValueError. Overflow throws.
std::optional<int64_t> parse_integer(std::string_view text, int base);
std::optional<double> parse_real(std::string_view text);

// int(float): truncates; throws for what does not fit.
int64_t truncate_to_integer(double value);

// round(value, digits): half to even on the exact binary value, as Python.
double round_to(double value, int64_t digits);

// The numeric operators "+", "-", "*", "/", "//", "%", "**"; both operands are numbers.
Value arithmetic(std::string_view symbol, const Value& left, const Value& right);

// <0, 0, >0 exactly, also between int and float; nullopt if either is NaN.
std::optional<int> compare_numbers(const Value& left, const Value& right);

}  // namespace sizeup::jinja
