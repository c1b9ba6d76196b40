#include "tasks/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "core/jinja/text.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// Runs of Python white space become one space, none at the ends.
std::string fold_white_space(std::string_view text) {
  std::string out;
  bool pending = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = jinja::decode_at(text, at);
    if (jinja::is_space(next.value)) {
      pending = !out.empty();
    } else {
      if (pending) out += ' ';
      pending = false;
      out += text.substr(at, next.bytes);
    }
    at += next.bytes;
  }
  return out;
}

bool is_article(std::string_view word) {
  return word == "a" || word == "an" || word == "the";
}

}  // namespace

bool is_ascii_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::string_view python_strip(std::string_view text) {
  return jinja::strip_left(jinja::strip_right(text));
}

std::string fold_text(std::string_view text) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  if (length < 0) return fold_white_space(replace_invalid_utf8(text));  // only for invalid UTF-8
  const std::unique_ptr<utf8proc_uint8_t, decltype(&free)> owner(mapped, &free);
  return fold_white_space({reinterpret_cast<const char*>(mapped), static_cast<size_t>(length)});
}

std::string squad_text(std::string_view text) {
  std::string letters;
  for (const char c : jinja::to_lower(text)) {
    if (!is_ascii_punctuation(c)) letters += c;
  }
  // \b(a|an|the)\b becomes a space: words of \w, so that "the\u2013end" loses its article, too.
  std::string out;
  for (size_t begin = 0; begin < letters.size();) {
    size_t end = begin;
    while (end < letters.size()) {
      const CodePoint next = jinja::decode_at(letters, end);
      if (!jinja::is_alphanumeric(next.value)) break;
      end += next.bytes;
    }
    const std::string_view word = std::string_view(letters).substr(begin, end - begin);
    out += is_article(word) ? " " : word;
    if (end < letters.size()) {
      const size_t bytes = jinja::decode_at(letters, end).bytes;
      out += letters.substr(end, bytes);
      end += bytes;
    }
    begin = end;
  }
  return fold_white_space(out);
}

std::string without_punctuation(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = jinja::decode_at(text, at);
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(next.value));
    if (category < UTF8PROC_CATEGORY_PC || category > UTF8PROC_CATEGORY_PO)
      out += text.substr(at, next.bytes);
    at += next.bytes;
  }
  return out;
}

bool is_upper(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT;
}

}  // namespace sizeup
