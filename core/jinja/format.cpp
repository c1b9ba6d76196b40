#include "core/jinja/format.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "core/jinja/evaluator.h"
#include "core/jinja/numbers.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

// "%-08.3f" taken apart.
struct Directive {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = 's';
};

class Formatter {
 public:
  Formatter(const Value& format, const Value& values, Evaluator& evaluator)
      : format_(format.text()), values_(values), evaluator_(evaluator), out_(evaluator.limits()) {}

  std::string run() {
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      out_.append(std::string_view(format_).substr(at_, percent - at_));
      at_ = percent;
      if (at_ < format_.size()) directive();
    }
    check_all_used();
    return out_.take();
  }

 private:
  char next() {
    if (++at_ >= format_.size()) fail("incomplete format");
    return format_[at_];
  }

  void directive() {
    char c = next();
    std::optional<Value> named;
    if (c == '(') {
      named = mapped();
      c = next();
    }
    Directive directive;
    for (; std::string_view("-+ #0").find(c) != std::string_view::npos; c = next()) {
      directive.left = directive.left || c == '-';
      directive.plus = directive.plus || c == '+';
      directive.space = directive.space || c == ' ';
      directive.alternate = directive.alternate || c == '#';
      directive.zero = directive.zero || c == '0';
    }
    directive.width = number(c);
    if (directive.width < 0) {
      directive.left = true;
      directive.width = -directive.width;
    }
    if (c == '.') {
      c = next();
      directive.precision = std::max<int64_t>(number(c), 0);
    }
    while (c == 'h' || c == 'l' || c == 'L') c = next();
    ++at_;
    if (c == '%') return out_.append("%");
    directive.type = c;
    const Value value = named ? *named : take();
    out_.append(padded(directive, converted(directive, value)));
  }

  // A width or precision: digits, or "*" for the next value. `c` becomes the character after it.
  int64_t number(char& c) {
    if (c == '*') {
      const Value value = take();
      if (!value.is_integer()) fail("* wants int");
      c = next();
      if (std::abs(value.integer()) > INT32_MAX) fail("width too big");
      return value.integer();
    }
    int64_t value = 0;
    for (; c >= '0' && c <= '9'; c = next()) {
      value = value * 10 + (c - '0');
      if (value > INT32_MAX) fail("width too big");
    }
    return value;
  }

  Value mapped() {
    if (values_.dict() == nullptr) fail("format requires a mapping");
    const size_t begin = at_ + 1;
    for (int depth = 1; depth > 0;) {
      const char c = next();
      depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
    }
    const std::string key = format_.substr(begin, at_ - begin);
    const Value* found = values_.dict()->find(std::string_view(key));
    if (found == nullptr) fail(fmt::format("KeyError: '{}'", key));
    return *found;
  }

  bool is_tuple() const {
    return values_.sequence() != nullptr && values_.sequence()->kind == SequenceKind::tuple;
  }

  Value take() {
    const size_t available = is_tuple() ? values_.sequence()->items.size() : 1;
    if (used_ >= available) fail("not enough arguments for format string");
    const size_t index = used_++;
    return is_tuple() ? values_.sequence()->items[index] : values_;
  }

  void check_all_used() const {
    const bool unchecked = values_.dict() != nullptr || (values_.sequence() != nullptr && !is_tuple());
    const size_t available = is_tuple() ? values_.sequence()->items.size() : 1;
    if (!unchecked && used_ < available) fail("not all arguments converted during string formatting");
  }

  std::string converted(const Directive& directive, const Value& value) {
    switch (directive.type) {
      case 's':
        return shortened(directive, to_text(value, evaluator_.limits()));
      case 'r':
        return shortened(directive, to_repr(value, evaluator_.limits()));
      case 'c':
        return character(value);
      case 'd':
      case 'i':
      case 'u':
        return signed_text(directive, decimal(directive, value), value);
      case 'x':
      case 'X':
      case 'o':
        return signed_text(directive, based(directive, value), value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return signed_text(directive, real(directive, value), value);
      default:
        fail(fmt::format("unsupported format character '{}'", directive.type));
    }
  }

  static std::string shortened(const Directive& directive, std::string text) {
    if (directive.precision) text.resize(byte_of_character(text, static_cast<size_t>(*directive.precision)));
    return text;
  }

  static std::string character(const Value& value) {
    if (value.is_string() && count_code_points(value.text()) == 1) return value.text();
    if (!value.is_integer()) fail("%c requires int or char");
    const int64_t c = value.integer();
    if (c < 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) fail("%c arg not in range");
    std::string text;
    append_utf8(text, static_cast<char32_t>(c));
    return text;
  }

  [[noreturn]] static void fail_number(const Directive& directive, const Value& value) {
    if (value.is_undefined()) fail_undefined(value);
    fail(fmt::format("%{} format: a number is required, not {}", directive.type, type_name(value)));
  }

  // Digits without a sign.
  std::string digits(const Directive& directive, uint64_t magnitude, int base) {
    std::string text = base == 10  ? fmt::format("{}", magnitude)
                       : base == 8 ? fmt::format("{:o}", magnitude)
                                   : fmt::format("{:x}", magnitude);
    if (directive.precision && *directive.precision > static_cast<int64_t>(text.size())) {
      const auto zeros = static_cast<size_t>(*directive.precision) - text.size();
      evaluator_.limits().charge_bytes(zeros);
      text.insert(0, zeros, '0');
    }
    return text;
  }

  static uint64_t magnitude_of(int64_t value) {
    return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  }

  std::string decimal(const Directive& directive, const Value& value) {
    if (!value.is_number()) fail_number(directive, value);
    const int64_t whole = value.is_integer() ? value.integer() : truncate_to_integer(value.real());
    return (whole < 0 ? "-" : "") + digits(directive, magnitude_of(whole), 10);
  }

  std::string based(const Directive& directive, const Value& value) {
    if (!value.is_integer()) fail_number(directive, value);
    const int64_t whole = value.integer();
    std::string text = digits(directive, magnitude_of(whole), directive.type == 'o' ? 8 : 16);
    if (directive.alternate) text.insert(0, directive.type == 'o' ? "0o" : "0x");
    if (directive.type == 'X') {
      for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return (whole < 0 ? "-" : "") + text;
  }

  std::string real(const Directive& directive, const Value& value) {
    if (!value.is_number()) fail_number(directive, value);
    const auto precision = static_cast<int>(std::min<int64_t>(directive.precision.value_or(6), INT32_MAX));
    evaluator_.limits().charge_bytes(static_cast<size_t>(precision) +
                                     400);  // 309 digits before the point at most
    const char specification[] = {'%',
                                  directive.alternate ? '#' : '.',
                                  directive.alternate ? '.' : '*',
                                  directive.alternate ? '*' : directive.type,
                                  directive.alternate ? directive.type : '\0',
                                  '\0'};
    const int size = std::snprintf(nullptr, 0, specification, precision, value.real());
    std::string text(static_cast<size_t>(size), ' ');
    std::snprintf(text.data(), text.size() + 1, specification, precision, value.real());
    return text;
  }

  static std::string signed_text(const Directive& directive, std::string text, const Value&) {
    if (text[0] == '-') return text;
    return (directive.plus ? "+" : directive.space ? " " : "") + text;
  }

  std::string padded(const Directive& directive, std::string text) {
    const auto length = static_cast<int64_t>(count_code_points(text));
    if (directive.width <= length) return text;
    const auto missing = static_cast<size_t>(directive.width - length);
    evaluator_.limits().charge_bytes(missing);
    if (directive.left) return text + std::string(missing, ' ');
    const bool numeric = std::string_view("src").find(directive.type) == std::string_view::npos;
    if (!directive.zero || !numeric) return std::string(missing, ' ') + text;
    size_t at = text[0] == '-' || text[0] == '+' || text[0] == ' ' ? 1 : 0;
    if (directive.alternate && std::string_view("xXo").find(directive.type) != std::string_view::npos)
      at += 2;
    return text.insert(at, missing, '0');
  }

  const std::string& format_;
  const Value& values_;
  Evaluator& evaluator_;
  BoundedText out_;
  size_t at_ = 0;
  size_t used_ = 0;
};

}  // namespace

Value percent_format(const Value& format, const Value& values, Evaluator& evaluator) {
  if (format.is_markup()) fail_not_supported("'%' on text that is marked safe");
  return Formatter(format, values, evaluator).run();
}

}  // namespace sizeup::jinja
