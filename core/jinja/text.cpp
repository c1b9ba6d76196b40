#include "core/jinja/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "core/jinja/special_casing.h"

namespace sizeup::jinja {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kCapitalSigma = 0x03A3;
constexpr char32_t kSmallSigma = 0x03C3;
constexpr char32_t kFinalSigma = 0x03C2;

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

bool is_cased(char32_t c) {
  const auto category = category_of(c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT || utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0 ||
         utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0;
}

// Unicode's Case_Ignorable, which decides whether a capital sigma ends a word.
bool is_case_ignorable(char32_t c) {
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x2018 || c == 0x2019;
  }
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    out.push_back(point.value);
    i += point.bytes;
  }
  return out;
}

bool ends_word(const std::u32string& text, size_t at) {
  size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::string& out, const std::u32string& text, size_t at) {
  const char32_t c = text[at];
  if (c == kCapitalSigma) return append_utf8(out, ends_word(text, at) ? kFinalSigma : kSmallSigma);
  if (c == 0x0130) {  // the only character with a longer lower case
    out += "i\xCC\x87";
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

void append_title(std::string& out, char32_t c) {
  if (const SpecialCase* special = find_special_case(c)) {
    for (char32_t part : special->title) append_utf8(out, part);
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
}

void append_upper(std::string& out, char32_t c) {
  if (const SpecialCase* special = find_special_case(c)) {
    for (char32_t part : special->upper) append_utf8(out, part);
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
}

bool contains_character(std::string_view set, std::string_view character) {
  return set.find(character) != std::string_view::npos;
}

size_t previous_character(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return decode_at(text, at).bytes == text.size() - at ? at : text.size() - 1;
}

bool is_line_boundary(char32_t c) {
  return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

CodePoint decode_at(std::string_view text, size_t byte) {
  const auto first = static_cast<unsigned char>(text[byte]);
  if (first < 0x80) return {first, 1};
  return decode_utf8(text.substr(byte)).value_or(CodePoint{kReplacement, 1});
}

size_t byte_of_character(std::string_view text, size_t character) {
  size_t i = 0;
  for (; i < text.size() && character > 0; --character) i += decode_at(text, i).bytes;
  return i;
}

std::vector<std::string_view> split_characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = decode_at(text, i).bytes;
    out.push_back(text.substr(i, bytes));
    i += bytes;
  }
  return out;
}

bool is_space(char32_t c) {
  return (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
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

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_at(text, 0);
    if (!is_space(point.value)) break;
    text.remove_prefix(point.bytes);
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    const size_t at = previous_character(text);
    if (!is_space(decode_at(text, at).value)) break;
    text = text.substr(0, at);
  }
  return text;
}

std::string_view strip_left(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    const std::string_view character = text.substr(0, decode_at(text, 0).bytes);
    if (!contains_character(set, character)) break;
    text.remove_prefix(character.size());
  }
  return text;
}

std::string_view strip_right(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    const size_t at = previous_character(text);
    if (!contains_character(set, text.substr(at))) break;
    text = text.substr(0, at);
  }
  return text;
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    i += point.bytes;
    append_upper(out, point.value);
  }
  return out;
}

std::string to_lower(std::string_view text) {
  const std::u32string points = decode(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < points.size(); ++i) append_lower(out, points, i);
  return out;
}

std::string to_title(std::string_view text) {
  const std::u32string points = decode(text);
  std::string out;
  bool inside_word = false;
  for (size_t i = 0; i < points.size(); ++i) {
    if (inside_word) {
      append_lower(out, points, i);
    } else {
      append_title(out, points[i]);
    }
    inside_word = is_cased(points[i]);
  }
  return out;
}

std::string to_capitalized(std::string_view text) {
  const std::u32string points = decode(text);
  std::string out;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i == 0) {
      append_title(out, points[i]);
    } else {
      append_lower(out, points, i);
    }
  }
  return out;
}

std::string to_swapped_case(std::string_view text) {
  const std::u32string points = decode(text);
  std::string out;
  for (size_t i = 0; i < points.size(); ++i) {
    const auto c = static_cast<utf8proc_int32_t>(points[i]);
    if (utf8proc_isupper(c) != 0) {
      append_lower(out, points, i);
    } else if (utf8proc_islower(c) != 0) {
      append_upper(out, points[i]);
    } else {
      append_utf8(out, points[i]);
    }
  }
  return out;
}

std::string to_folded_case(std::string_view text) {
  constexpr size_t kLongest = 4;  // the full case folding of one character has at most three
  std::string out;
  for (const char32_t c : decode(text)) {
    utf8proc_int32_t folded[kLongest];
    int boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), folded, kLongest,
                                                           UTF8PROC_CASEFOLD, &boundary);
    if (count < 0 || count > static_cast<utf8proc_ssize_t>(kLongest)) {
      append_utf8(out, c);
      continue;
    }
    for (utf8proc_ssize_t i = 0; i < count; ++i) append_utf8(out, static_cast<char32_t>(folded[i]));
  }
  return out;
}

bool is_lower(std::string_view text) {
  bool any = false;
  for (char32_t c : decode(text)) {
    const auto category = category_of(c);
    if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT) return false;
    any = any || utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0;
  }
  return any;
}

bool is_upper(std::string_view text) {
  bool any = false;
  for (char32_t c : decode(text)) {
    const auto category = category_of(c);
    if (category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT) return false;
    any = any || utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0;
  }
  return any;
}

bool is_title(std::string_view text) {
  bool any = false;
  bool inside_word = false;
  for (const char32_t c : decode(text)) {
    const bool begins_word =
        utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0 || category_of(c) == UTF8PROC_CATEGORY_LT;
    const bool continues_word = utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0;
    if ((begins_word && inside_word) || (continues_word && !inside_word)) return false;
    inside_word = begins_word || continues_word;
    any = any || inside_word;
  }
  return any;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> out;
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = decode_at(text, i);
    size_t next = i + point.bytes;
    if (is_line_boundary(point.value)) {
      if (point.value == '\r' && next < text.size() && text[next] == '\n') ++next;
      out.push_back(text.substr(start, (keep_ends ? next : i) - start));
      start = next;
    }
    i = next;
  }
  if (start < text.size()) out.push_back(text.substr(start));
  return out;
}

std::vector<std::string_view> split_words(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  for (text = strip_left(text); !text.empty(); text = strip_left(text)) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) >= limit) {
      out.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size() && !is_space(decode_at(text, end).value)) end += decode_at(text, end).bytes;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::vector<std::string_view> split_words_from_right(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  for (text = strip_right(text); !text.empty(); text = strip_right(text)) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) >= limit) {
      out.push_back(text);
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      const size_t at = previous_character(text.substr(0, start));
      if (is_space(decode_at(text, at).value)) break;
      start = at;
    }
    out.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to, int64_t count) {
  std::string out;
  if (count < 0) count = std::numeric_limits<int64_t>::max();
  size_t at = 0;
  if (from.empty()) {
    while (count-- > 0) {
      out += to;
      if (at >= text.size()) return out;
      const size_t bytes = decode_at(text, at).bytes;
      out += text.substr(at, bytes);
      at += bytes;
    }
    return out += text.substr(at);
  }
  while (count-- > 0) {
    const size_t found = text.find(from, at);
    if (found == std::string_view::npos) break;
    out += text.substr(at, found - at);
    out += to;
    at = found + from.size();
  }
  return out += text.substr(at);
}

size_t replaced_size(std::string_view text, std::string_view from, std::string_view to, int64_t count) {
  size_t hits = 0;
  if (from.empty()) {
    hits = count_code_points(text) + 1;
  } else {
    for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, at + from.size()))
      ++hits;
  }
  if (count >= 0) hits = std::min(hits, static_cast<size_t>(count));
  return text.size() - hits * from.size() + hits * to.size();  // at most (text + 1) * (to + 1) bytes
}

}  // namespace sizeup::jinja
