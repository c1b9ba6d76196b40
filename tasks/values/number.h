// Numbers as people write them: "1,234.50", "1.234,50", "1'234.5" and "1234.50" are one value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sizeup {

// A decimal number in canonical form: no leading zeros, no trailing zeros after the point ("1234.5", "-3").
// Kept as text, so that any number of digits is exact.
using Decimal = std::string;

struct NumberInText {
  size_t begin = 0;  // byte offsets
  size_t end = 0;
  // What it may mean: "1.234" is 1.234 or 1234. The reading with a decimal point comes first.
  std::vector<Decimal> readings;
};

// All numbers of a text from left to right, those attached to letters ("INV47883") included. A group of
// digits that is no number ("19.06.2026") gives its parts.
std::vector<NumberInText> find_numbers(std::string_view text);

// The readings of a text that is one number, with or without spaces between groups of three digits; empty if
// it is something else.
std::vector<Decimal> read_number(std::string_view text);

bool share_reading(const std::vector<Decimal>& a, const std::vector<Decimal>& b);

// An amount of money: a number with or without a currency before or after it.
struct Money {
  std::vector<Decimal> amount;  // empty if the text is no amount
  std::string currency;         // "EUR"; empty if none is written
};
Money read_money(std::string_view text);

// Equal amounts, and equal currencies where both name one.
bool same_money(const Money& a, const Money& b);

// Other spellings of a currency's code ("EUR": "€", "euro", "euros"), folded; empty if it is no known code.
std::vector<std::string> currency_spellings(std::string_view code);

}  // namespace sizeup
