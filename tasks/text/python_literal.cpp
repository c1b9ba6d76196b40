#include "tasks/text/python_literal.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "core/json/json.h"
#include "core/text/from_chars.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr int kMaxDepth = 50;

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}

  std::optional<Json> run() {
    std::optional<Json> value = parse(0);
    skip_space();
    if (position_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void skip_space() {
    while (position_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }

  bool take(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }

  std::optional<Json> parse(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    skip_space();
    if (position_ == text_.size()) return std::nullopt;
    const char c = text_[position_];
    if (c == '[') return sequence('[', ']', depth);
    if (c == '(') return sequence('(', ')', depth);
    if (c == '{') return dictionary(depth);
    if (c == '\'' || c == '"') return strings();
    if (take_word("None")) return Json(nullptr);
    if (take_word("True")) return Json(true);
    if (take_word("False")) return Json(false);
    return number();
  }

  std::optional<Json> sequence(char open, char close, int depth) {
    take(open);
    Json list = Json::array();
    bool comma = true;
    while (!take(close)) {
      if (!comma) return std::nullopt;
      std::optional<Json> item = parse(depth + 1);
      if (!item) return std::nullopt;
      list.push_back(std::move(*item));
      comma = take(',');
    }
    // (1) is 1, (1,) is a tuple.
    if (open == '(' && list.size() == 1 && !comma) return list[0];
    return list;
  }

  std::optional<Json> dictionary(int depth) {
    take('{');
    Json object = Json::object();
    bool comma = true;
    while (!take('}')) {
      if (!comma) return std::nullopt;
      const std::optional<Json> key = parse(depth + 1);
      if (!key || !key->is_string() || !take(':')) return std::nullopt;
      std::optional<Json> value = parse(depth + 1);
      if (!value) return std::nullopt;
      object[key->get_ref<const std::string&>()] = std::move(*value);
      comma = take(',');
    }
    return object;
  }

  // Adjacent strings are one, as in Python.
  std::optional<Json> strings() {
    std::string out;
    while (position_ < text_.size() && (text_[position_] == '\'' || text_[position_] == '"')) {
      if (!string_into(out)) return std::nullopt;
      const size_t end = position_;
      skip_space();
      if (position_ == text_.size() || (text_[position_] != '\'' && text_[position_] != '"')) position_ = end;
    }
    return Json(std::move(out));
  }

  bool string_into(std::string& out) {
    const char quote = text_[position_++];
    while (position_ < text_.size()) {
      const char c = text_[position_++];
      if (c == quote) return true;
      if (c == '\n') return false;
      if (c != '\\') {
        out += c;
      } else if (!escape_into(out)) {
        return false;
      }
    }
    return false;
  }

  bool escape_into(std::string& out) {
    if (position_ == text_.size()) return false;
    const char c = text_[position_++];
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kValues[known];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      uint32_t value = 0;
      const std::string_view hex = text_.substr(position_, digits);
      const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
      if (error != std::errc() || hex.size() != digits || end != hex.data() + digits) return false;
      append_utf8(out, value);
      position_ += digits;
    } else if (c >= '0' && c <= '7') {
      return false;          // octal: Python's repr never writes it
    } else if (c != '\n') {  // a backslash before a line's end continues the line
      out += '\\';
      out += c;
    }
    return true;
  }

  std::optional<Json> number() {
    const std::string_view rest = text_.substr(position_);
    const size_t length = std::min(rest.find_first_not_of("+-0123456789.eE_"), rest.size());
    std::string digits(rest.substr(0, length));
    if (digits.starts_with('+')) digits.erase(0, 1);
    std::erase(digits, '_');
    if (digits.empty()) return std::nullopt;
    position_ += length;
    const char* const end = digits.data() + digits.size();
    int64_t whole = 0;
    if (const auto [at, error] = std::from_chars(digits.data(), end, whole);
        error == std::errc() && at == end) {
      return Json(whole);
    }
    double real = 0;
    if (const auto [at, error] = from_chars(digits.data(), end, real); error == std::errc() && at == end) {
      return Json(real);
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

std::optional<Json> parse_python_literal(std::string_view text) {
  return LiteralParser(text).run();
}

}  // namespace sizeup
