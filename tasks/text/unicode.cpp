#include "tasks/text/unicode.h"

#include <utf8proc.h>

#include <memory>
#include <vector>

#include "core/text/utf8.h"

namespace sizeup {
namespace {

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<CodePoint> next = decode_utf8(text);
    out.push_back(next ? next->value : U'\uFFFD');
    text.remove_prefix(next ? next->bytes : invalid_utf8_length(text));
  }
  return out;
}

bool is_cased(char32_t c) {
  const auto point = static_cast<utf8proc_int32_t>(c);
  return utf8proc_islower(point) || utf8proc_isupper(point) || utf8proc_category(point) == UTF8PROC_CATEGORY_LT;
}

// Marks, modifiers and the apostrophe-like signs are looked through when a sigma's place is judged.
bool is_case_ignorable(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
         category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
         category == UTF8PROC_CATEGORY_SK || c == U'\'' || c == U'.' || c == U':' || c == U'\u00B7' ||
         c == U'\u2019';
}

// Unicode's Final_Sigma: a cased letter before, none after.
bool is_final_sigma(const std::vector<char32_t>& text, size_t position) {
  size_t before = position;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = position + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

// The capitals that are more than one letter, of those that occur in Latin text.
const char* long_capital(char32_t c) {
  switch (c) {
    case U'\u00DF': return "SS";
    case U'\u0149': return "\u02BCN";
    case U'\u01F0': return "J\u030C";
    case U'\uFB00': return "FF";
    case U'\uFB01': return "FI";
    case U'\uFB02': return "FL";
    case U'\uFB03': return "FFI";
    case U'\uFB04': return "FFL";
    case U'\uFB05': return "ST";
    case U'\uFB06': return "ST";
    default: return nullptr;
  }
}

// Runs of Python white space become one space, none at the ends.
std::string fold_white_space(std::string_view text) {
  std::string out;
  bool pending = false;
  for (const char32_t c : code_points(text)) {
    if (is_python_space(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out += ' ';
    pending = false;
    append_utf8(out, c);
  }
  return out;
}

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

}  // namespace

bool is_python_space(char32_t c) {
  if (c <= 0x20) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view python_strip(std::string_view text) {
  while (!text.empty()) {
    const std::optional<CodePoint> first = decode_utf8(text);
    if (!first || !is_python_space(first->value)) break;
    text.remove_prefix(first->bytes);
  }
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    const std::optional<CodePoint> last = decode_utf8(text.substr(start));
    if (!last || !is_python_space(last->value)) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

std::string python_lower(std::string_view text) {
  const std::vector<char32_t> points = code_points(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i] == U'\u0130') {
      out += "i\u0307";
    } else if (points[i] == U'\u03A3') {
      out += is_final_sigma(points, i) ? "\u03C2" : "\u03C3";
    } else {
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(points[i]))));
    }
  }
  return out;
}

std::string python_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : code_points(text)) {
    if (const char* capitals = long_capital(c)) {
      out += capitals;
    } else {
      append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return out;
}

std::string fold_text(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  if (length < 0) return fold_white_space(replace_invalid_utf8(text));  // only for invalid UTF-8
  const std::unique_ptr<utf8proc_uint8_t, decltype(&free)> owner(mapped, &free);
  return fold_white_space({reinterpret_cast<const char*>(mapped), static_cast<size_t>(length)});
}

std::string squad_text(std::string_view text) {
  std::string letters;
  for (const char c : python_lower(text)) {
    if (!is_ascii_punctuation(c)) letters += c;
  }
  const std::string folded = fold_white_space(letters);
  std::string out;
  for (size_t begin = 0; begin < folded.size();) {
    size_t end = folded.find(' ', begin);
    if (end == std::string::npos) end = folded.size();
    const std::string_view word = std::string_view(folded).substr(begin, end - begin);
    if (!is_article(word)) {
      if (!out.empty()) out += ' ';
      out += word;
    }
    begin = end + 1;
  }
  return out;
}

bool is_letter(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_upper(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

}  // namespace sizeup
