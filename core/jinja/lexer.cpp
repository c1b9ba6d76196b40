#include "core/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "core/jinja/limits.h"
#include "core/jinja/numbers.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

// Longest first.
constexpr std::string_view kSymbols[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                         "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

// "\r\n" and "\r" become "\n"; one final newline goes unless it is kept.
std::string normalize_newlines(std::string_view source, bool keep_trailing_newline) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!keep_trailing_newline && !out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_part(char c) {
  return is_name_start(c) || is_digit(c);
}

// Decodes the escapes of Python's "unicode-escape".
class StringDecoder {
 public:
  StringDecoder(std::string_view body, int line) : body_(body), line_(line) {}

  std::string decode() {
    while (at_ < body_.size()) {
      const char c = body_[at_++];
      if (c == '\\') {
        escape();
      } else {
        out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  void escape() {
    const char c = body_[at_++];  // the lexer has seen to it that something follows
    static constexpr std::string_view kLetters = "abfnrtv\\'\"";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      out_ += kMeanings[letter];
    } else if (c == '\n') {
      return;
    } else if (c >= '0' && c <= '7') {
      octal();
    } else if (c == 'x') {
      hexadecimal(2);
    } else if (c == 'u') {
      hexadecimal(4);
    } else if (c == 'U') {
      hexadecimal(8);
    } else if (c == 'N') {
      fail_not_supported("the string escape \\N{name}", line_);
    } else {
      out_ += '\\';
      out_ += c;
    }
  }

  void octal() {
    --at_;
    uint32_t value = 0;
    for (int i = 0; i < 3 && at_ < body_.size() && body_[at_] >= '0' && body_[at_] <= '7'; ++i) {
      value = value * 8 + static_cast<uint32_t>(body_[at_++] - '0');
    }
    append_utf8(out_, value);
  }

  void hexadecimal(size_t digits) {
    uint32_t value = 0;
    const char* begin = body_.data() + at_;
    const bool enough = at_ + digits <= body_.size();
    if (!enough || std::from_chars(begin, begin + digits, value, 16).ptr != begin + digits) {
      fail("truncated escape in a string", line_);
    }
    if (value > 0x10FFFF) fail("illegal Unicode character in a string escape", line_);
    if (value >= 0xD800 && value < 0xE000)
      fail("a string escape names a surrogate, which is not a character", line_);
    at_ += digits;
    append_utf8(out_, value);
  }

  std::string_view body_;
  int line_;
  size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  Lexer(std::string source, const TemplateSettings& settings)
      : source_(std::move(source)), settings_(settings) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_text();
    const int last_line = tokens_.empty() ? line_ : tokens_.back().line;  // where Jinja2 sees the end
    tokens_.push_back({TokenKind::end, "", last_line, 0, 0});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool next_is(std::string_view expected) const { return rest().substr(0, expected.size()) == expected; }

  void push(TokenKind kind, std::string_view text) {
    tokens_.push_back({kind, std::string(text), line_, 0, 0});
  }

  void advance(size_t bytes) {
    const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(at_);
    line_ += static_cast<int>(std::count(begin, begin + static_cast<std::ptrdiff_t>(bytes), '\n'));
    if (bytes > 0) line_starting_ = source_[at_ + bytes - 1] == '\n';
    at_ += bytes;
  }
  void skip_spaces() { advance(rest().size() - strip_left(rest()).size()); }
  void skip_newline() {
    if (next_is("\n")) advance(1);
  }

  // Text up to the next tag, then the tag.
  void read_text() {
    size_t open = at_;
    while (true) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 >= source_.size()) {
        push(TokenKind::data, rest());
        return advance(rest().size());
      }
      const char kind = source_[open + 1];
      if (kind == '%' || kind == '#' || kind == '{') break;
      ++open;
    }
    const char kind = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
    const bool has_sign = sign == '-' || sign == '+';
    push_text(rest().substr(0, open - at_), sign, kind != '{');
    advance(open - at_ + (has_sign ? 3 : 2));
    if (kind == '#') return skip_comment();
    if (kind == '%' && skip_raw_begin()) return read_raw();
    push(kind == '{' ? TokenKind::variable_begin : TokenKind::block_begin, "");
    read_tag(kind == '{');
  }

  // Applies "-" and lstrip_blocks to the text before a tag.
  void push_text(std::string_view text, char sign, bool is_block) {
    if (sign == '-') {
      text = strip_right(text);
    } else if (sign != '+' && settings_.lstrip_blocks && is_block) {
      const size_t newline = text.rfind('\n');
      const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
      const bool at_line_start = newline != std::string_view::npos || line_starting_;
      if (at_line_start && strip_left(text.substr(line_begin)).empty()) text = text.substr(0, line_begin);
    }
    if (!text.empty()) push(TokenKind::data, text);
  }

  void skip_comment() {
    const int begin_line = line_;
    const size_t close = source_.find("#}", at_);
    if (close == std::string::npos) fail("Missing end of comment tag", begin_line);
    const char sign = close > at_ ? source_[close - 1] : ' ';
    advance(close + 2 - at_);
    end_of_tag(sign);
  }

  void end_of_tag(char sign) {
    if (sign == '-') {
      skip_spaces();
    } else if (sign != '+' && settings_.trim_blocks) {
      skip_newline();
    }
  }

  // After "{%" and a sign: "raw %}" or "raw -%}".
  bool skip_raw_begin() {
    std::string_view tag = strip_left(rest());
    if (tag.substr(0, 3) != "raw") return false;
    tag = strip_left(tag.substr(3));
    const bool strips = tag.substr(0, 3) == "-%}";
    if (!strips && tag.substr(0, 2) != "%}") return false;
    advance(rest().size() - tag.size() + (strips ? 3 : 2));
    if (strips) skip_spaces();
    return true;
  }

  void read_raw() {
    const int begin_line = line_;
    for (size_t open = source_.find("{%", at_); open != std::string::npos;
         open = source_.find("{%", open + 2)) {
      std::string_view tag = std::string_view(source_).substr(open + 2);
      const char sign = tag.empty() ? ' ' : tag[0];
      if (sign == '-' || sign == '+') tag.remove_prefix(1);
      tag = strip_left(tag);
      if (tag.substr(0, 6) != "endraw") continue;
      tag = strip_left(tag.substr(6));
      const char end_sign = !tag.empty() && (tag[0] == '-' || tag[0] == '+') ? tag[0] : ' ';
      if (end_sign != ' ') tag.remove_prefix(1);
      if (tag.substr(0, 2) != "%}") continue;
      push_text(rest().substr(0, open - at_), sign, true);
      advance(rest().size() - tag.size() + 2);
      return end_of_tag(end_sign);
    }
    fail("Missing end of raw directive", begin_line);
  }

  // The tokens of one tag, up to and including its end.
  void read_tag(bool is_variable) {
    const std::string_view close = is_variable ? "}}" : "%}";
    brackets_.clear();
    while (at_ < source_.size()) {
      if (brackets_.empty() && read_tag_end(close, is_variable)) return;
      const size_t spaces = rest().size() - strip_left(rest()).size();
      if (spaces > 0) {
        advance(spaces);
      } else if (!read_number() && !read_name() && !read_string() && !read_symbol()) {
        fail(fmt::format("unexpected char {}", quote(rest().substr(0, decode_at(rest(), 0).bytes))), line_);
      }
    }
  }

  bool read_tag_end(std::string_view close, bool is_variable) {
    char sign = ' ';
    if (next_is("-") || (next_is("+") && !is_variable)) sign = source_[at_];
    const size_t sign_bytes = sign == ' ' ? 0 : 1;
    if (rest().substr(sign_bytes, 2) != close) return false;
    push(is_variable ? TokenKind::variable_end : TokenKind::block_end, "");
    advance(sign_bytes + 2);
    if (is_variable) {
      if (sign == '-') skip_spaces();
    } else {
      end_of_tag(sign);
    }
    return true;
  }

  // Length of \d+ with single underscores between digits, 0 if none.
  static size_t digits_length(std::string_view text) {
    size_t i = 0;
    while (i < text.size() && (is_digit(text[i]) || (text[i] == '_' && i > 0 && i + 1 < text.size() &&
                                                     is_digit(text[i - 1]) && is_digit(text[i + 1])))) {
      ++i;
    }
    return i;
  }

  // Length of a float literal at the beginning of `text`, 0 if there is none.
  static size_t float_length(std::string_view text) {
    const size_t whole = digits_length(text);
    if (whole == 0) return 0;
    size_t length = whole;
    if (length < text.size() && text[length] == '.') {
      const size_t fraction = digits_length(text.substr(length + 1));
      if (fraction > 0) length += 1 + fraction;
    }
    if (length < text.size() && (text[length] | 0x20) == 'e') {
      size_t exponent = length + 1;
      if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
      const size_t digits = digits_length(text.substr(std::min(exponent, text.size())));
      if (digits > 0) return exponent + digits;
    }
    return length > whole ? length : 0;
  }

  static size_t prefixed_length(std::string_view text) {
    if (text.size() < 3 || text[0] != '0') return 0;
    const char kind = static_cast<char>(text[1] | 0x20);
    if (kind != 'x' && kind != 'o' && kind != 'b') return 0;
    const auto fits = [kind](char c) {
      const char lower = static_cast<char>(c | 0x20);
      if (kind == 'x') return is_digit(c) || (lower >= 'a' && lower <= 'f');
      return c >= '0' && c <= (kind == 'o' ? '7' : '1');
    };
    size_t i = 2;
    while (i < text.size() && (fits(text[i]) || (text[i] == '_' && i + 1 < text.size() && fits(text[i + 1]))))
      ++i;
    return i > 2 ? i : 0;
  }

  static size_t integer_length(std::string_view text) {
    if (const size_t prefixed = prefixed_length(text)) return prefixed;
    const size_t digits = digits_length(text);
    if (digits == 0 || text[0] != '0') return digits;
    const size_t nonzero = text.substr(0, digits).find_first_not_of("0_");
    return nonzero == std::string_view::npos ? digits : nonzero;
  }

  bool read_number() {
    if (!is_digit(rest()[0])) return false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const size_t real = after_dot ? 0 : float_length(rest());
    if (real > 0) {
      push(TokenKind::real, rest().substr(0, real));
      tokens_.back().real = parse_real(tokens_.back().text).value_or(0);
      advance(real);
      return true;
    }
    const size_t length = integer_length(rest());
    push(TokenKind::integer, rest().substr(0, length));
    const auto value = parse_integer(tokens_.back().text, 0);
    if (!value) fail(fmt::format("'{}' is not an integer", tokens_.back().text), line_);
    tokens_.back().integer = *value;
    advance(length);
    return true;
  }

  bool read_name() {
    if (!is_name_start(rest()[0])) return false;
    size_t length = 1;
    while (length < rest().size() && is_name_part(rest()[length])) ++length;
    push(TokenKind::name, rest().substr(0, length));
    advance(length);
    return true;
  }

  bool read_string() {
    const char mark = rest()[0];
    if (mark != '\'' && mark != '"') return false;
    for (size_t i = 1; i < rest().size(); ++i) {
      if (rest()[i] == '\\') {
        ++i;
      } else if (rest()[i] == mark) {
        push(TokenKind::string, StringDecoder(rest().substr(1, i - 1), line_).decode());
        advance(i + 1);
        return true;
      }
    }
    fail("a string is not closed", line_);
  }

  bool read_symbol() {
    const auto* symbol = std::find_if(std::begin(kSymbols), std::end(kSymbols),
                                      [this](std::string_view candidate) { return next_is(candidate); });
    if (symbol == std::end(kSymbols)) return false;
    balance(*symbol);
    push(TokenKind::symbol, *symbol);
    advance(symbol->size());
    return true;
  }

  void balance(std::string_view symbol) {
    if (symbol == "{") brackets_ += '}';
    if (symbol == "(") brackets_ += ')';
    if (symbol == "[") brackets_ += ']';
    if (symbol != "}" && symbol != ")" && symbol != "]") return;
    if (brackets_.empty()) fail(fmt::format("unexpected '{}'", symbol), line_);
    if (brackets_.back() != symbol[0])
      fail(fmt::format("unexpected '{}', expected '{}'", symbol, brackets_.back()), line_);
    brackets_.pop_back();
  }

  std::string source_;
  const TemplateSettings& settings_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the last thing read ended with a newline
  std::string brackets_;       // closing brackets that are still to come, innermost last
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const TemplateSettings& settings) {
  return Lexer(normalize_newlines(source, settings.keep_trailing_newline), settings).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::data:
      return "template data / text";
    case TokenKind::variable_begin:
      return "begin of print statement";
    case TokenKind::variable_end:
      return "end of print statement";
    case TokenKind::block_begin:
      return "begin of statement block";
    case TokenKind::block_end:
      return "end of statement block";
    case TokenKind::end:
      return "end of template";
    default:
      return token.text;
  }
}

}  // namespace sizeup::jinja
