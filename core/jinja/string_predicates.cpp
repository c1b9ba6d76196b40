#include "core/jinja/string_predicates.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

utf8proc_category_t category_of(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Unicode's Numeric_Type=Digit outside category Nd (superscripts, circled digits, ...), which utf8proc does
// not know. Ranges of Unicode 14, the version of utf8proc 2.8 and of CPython 3.11.
struct Range {
  char32_t first, last;
};
constexpr std::array kOtherDigits = {
    Range{0xB2, 0xB3},       Range{0xB9, 0xB9},       Range{0x1369, 0x1371},   Range{0x19DA, 0x19DA},
    Range{0x2070, 0x2070},   Range{0x2074, 0x2079},   Range{0x2080, 0x2089},   Range{0x2460, 0x2468},
    Range{0x2474, 0x247C},   Range{0x2488, 0x2490},   Range{0x24EA, 0x24EA},   Range{0x24F5, 0x24FD},
    Range{0x24FF, 0x24FF},   Range{0x2776, 0x277E},   Range{0x2780, 0x2788},   Range{0x278A, 0x2792},
    Range{0x10A40, 0x10A43}, Range{0x10E60, 0x10E68}, Range{0x11052, 0x1105A}, Range{0x1F100, 0x1F10A}};

bool is_ascii(char32_t c) {
  return c < 0x80;
}
bool is_decimal(char32_t c) {
  return category_of(c) == UTF8PROC_CATEGORY_ND;
}
bool is_digit(char32_t c) {
  return is_decimal(c) || std::any_of(kOtherDigits.begin(), kOtherDigits.end(), [c](const Range& range) {
           return c >= range.first && c <= range.last;
         });
}
bool is_alpha(char32_t c) {
  const auto category = category_of(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}
// Every numeric character that is no letter is in one of the number categories.
bool is_alphanumeric(char32_t c) {
  const auto category = category_of(c);
  return is_alpha(c) || (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

template <bool (*holds)(char32_t)>
bool all(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    if (!holds(point.value)) return false;
    i += point.bytes;
  }
  return true;
}

// Python: true of a text that has such characters only, and at least one.
template <bool (*holds)(char32_t)>
Value every(const Invocation& call) {
  return !call.input.text().empty() && all<holds>(call.input.text());
}
// These two are true of the empty text as well.
template <bool (*holds)(char32_t)>
Value every_or_none(const Invocation& call) {
  return all<holds>(call.input.text());
}

Value str_islower(const Invocation& call) {
  return is_lower(call.input.text());
}
Value str_isupper(const Invocation& call) {
  return is_upper(call.input.text());
}
Value str_istitle(const Invocation& call) {
  return is_title(call.input.text());
}

constexpr Builtin kMethods[] = {
    {"isalnum", "", every<is_alphanumeric>},
    {"isalpha", "", every<is_alpha>},
    {"isascii", "", every_or_none<is_ascii>},
    {"isdecimal", "", every<is_decimal>},
    {"isdigit", "", every<is_digit>},
    {"islower", "", str_islower},
    {"isprintable", "", every_or_none<is_printable>},
    {"isspace", "", every<is_space>},
    {"istitle", "", str_istitle},
    {"isupper", "", str_isupper},
};

}  // namespace

std::span<const Builtin> string_predicates() {
  return kMethods;
}

}  // namespace sizeup::jinja
