#include <fmt/format.h>

#include <string>

#include "core/text/utf8.h"
#include "tasks/text/python_regex.h"

namespace sizeup {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& place) : pattern_(pattern), place_(place) {}

  Result<std::string> run() {
    while (position_ < pattern_.size()) {
      const char c = pattern_[position_];
      Result<void> step;
      if (c == '\\') {
        step = escape();
      } else if (in_class_) {
        class_character(c);
      } else if (c == '[') {
        open_class();
      } else if (c == '(') {
        step = group();
      } else if (c == '{') {
        brace();
      } else {
        copy(1);
      }
      if (!step) return forward_error(step);
    }
    return std::move(out_);
  }

 private:
  void copy(size_t count) {
    out_ += pattern_.substr(position_, count);
    position_ += count;
  }

  tl::unexpected<Error> refuse(const std::string& what, std::string hint = {}) const {
    return bad_input(place_,
                     fmt::format("the pattern '{}' has {} at character {}", pattern_, what, position_ + 1),
                     "a regular expression of Python's re module", std::move(hint));
  }

  // \Z is the very end in Python; \v one character; \u1234 a code point; other letters PCRE2 alone knows.
  Result<void> escape() {
    if (position_ + 1 == pattern_.size()) return refuse("a lone backslash");
    const char c = pattern_[position_ + 1];
    if (c == 'u' || c == 'U') return code_point(c == 'u' ? 4 : 8);
    if (c == 'Z' && !in_class_) {
      out_ += "\\z";
      position_ += 2;
    } else if (c == 'v') {
      out_ += "\\x0b";
      position_ += 2;
    } else if (c == 'x') {
      if (position_ + 3 >= pattern_.size() || !is_hex(pattern_[position_ + 2]) ||
          !is_hex(pattern_[position_ + 3])) {
        return refuse("an incomplete \\x escape");
      }
      copy(4);
    } else if (is_ascii_letter(c) &&
               std::string_view(in_class_ ? "bdDsSwWafnrt" : "AbBdDsSwWafnrt").find(c) ==
                   std::string_view::npos) {
      return refuse(fmt::format("the escape \\{}, which Python's re does not know", c));
    } else {
      copy(2);
    }
    return {};
  }

  Result<void> code_point(size_t digits) {
    const std::string_view hex = pattern_.substr(position_ + 2, digits);
    uint32_t value = 0;
    for (const char c : hex) {
      if (!is_hex(c)) return refuse("an incomplete \\u escape");
      value = value * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (hex.size() != digits || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return refuse("a bad \\u escape");
    }
    out_ += fmt::format("\\x{{{:x}}}", value);
    position_ += 2 + digits;
    return {};
  }

  // In Python '[' inside a class is itself: no [:alpha:].
  void class_character(char c) {
    if (c == ']') in_class_ = false;
    if (c == '[') out_ += '\\';
    copy(1);
  }

  void open_class() {
    in_class_ = true;
    copy(1);
    if (position_ < pattern_.size() && pattern_[position_] == '^') copy(1);
    if (position_ < pattern_.size() && pattern_[position_] == ']') copy(1);  // a first ']' is itself
  }

  // Only Python's groups: PCRE2's recursion, callouts and (*VERBS) are another language.
  Result<void> group() {
    const std::string_view rest = pattern_.substr(position_ + 1);
    if (rest.starts_with('*')) return refuse("'(*'", "Python has no (*VERB): escape the star");
    if (!rest.starts_with('?')) {
      copy(1);
      return {};
    }
    const std::string_view kind = rest.substr(1);
    const char c = kind.empty() ? '\0' : kind[0];
    const bool named = c == 'P' && kind.size() > 1 && (kind[1] == '<' || kind[1] == '=');
    const bool behind = c == '<' && kind.size() > 1 && (kind[1] == '=' || kind[1] == '!');
    if (!named && !behind && std::string_view(":#=!>(imsx-").find(c) == std::string_view::npos) {
      return refuse(fmt::format("the group '(?{}'", c),
                    "Python knows (?: (?= (?! (?<= (?<! (?P< (?P= (?> and "
                    "the flags i, m, s, x here");
    }
    copy(2);
    return {};
  }

  // {,n} is {0,n} in Python.
  void brace() {
    size_t end = position_ + 2;
    while (end < pattern_.size() && is_digit(pattern_[end])) ++end;
    const bool upper_only = position_ + 1 < pattern_.size() && pattern_[position_ + 1] == ',' &&
                            end > position_ + 2 && end < pattern_.size() && pattern_[end] == '}';
    copy(1);
    if (upper_only) out_ += '0';
  }

  std::string_view pattern_;
  const std::string& place_;
  std::string out_;
  size_t position_ = 0;
  bool in_class_ = false;
};

}  // namespace

Result<std::string> translate_python_pattern(std::string_view pattern, const std::string& place) {
  return Translator(pattern, place).run();
}

}  // namespace sizeup
