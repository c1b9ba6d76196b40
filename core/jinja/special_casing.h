// Case mappings that change the number of characters ("ß" to "SS").
#pragma once

#include <string_view>

namespace sizeup::jinja {

struct SpecialCase {
  char32_t from;
  std::u32string_view upper;
  std::u32string_view title;
};

// The row of a character that has one, else null.
const SpecialCase* find_special_case(char32_t code_point);

}  // namespace sizeup::jinja
