#include "tasks/verbal_confidence.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "core/text/from_chars.h"
#include "tasks/text/unicode.h"

namespace sizeup {
namespace {

constexpr std::string_view kBefore = " \t*_`\"'(>#-[";  // on the same line: emphasis, brackets, a list's dash
constexpr std::string_view kBetween = " \t*_`\"'(~";
constexpr std::string_view kAfter = " \t*_`\"').],;";

char lower_letter(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

bool same_letters(std::string_view text, std::string_view mark) {
  return std::equal(text.begin(), text.end(), mark.begin(), mark.end(),
                    [](char a, char b) { return lower_letter(a) == lower_letter(b); });
}

// Reads along a text.
class StatementReader {
 public:
  StatementReader(std::string_view text, size_t at) : text_(text), at_(at) {}

  size_t at() const { return at_; }
  void skip(std::string_view characters) {
    at_ = std::min(text_.find_first_not_of(characters, at_), text_.size());
  }
  bool take(std::string_view word) {
    if (!same_letters(text_.substr(at_, word.size()), word)) return false;
    at_ += word.size();
    return true;
  }
  // Digits with at most one decimal point or comma.
  std::optional<double> number() {
    std::string digits;
    size_t end = at_;
    bool point = false;
    for (; end < text_.size(); ++end) {
      const char c = text_[end];
      if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
        digits += c;
        continue;
      }
      const bool more =
          end + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end + 1])) != 0;
      if ((c != '.' && c != ',') || point || !more) break;
      point = true;
      digits += '.';
    }
    double value = 0.0;
    const auto read = from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || read.ec != std::errc()) return std::nullopt;
    at_ = end;
    return value;
  }

 private:
  std::string_view text_;
  size_t at_;
};

// The number with its unit, as a part of 1; NaN for none, or one that is not.
double read_share(StatementReader& cursor) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr double kPercent = 100.0;
  const std::optional<double> number = cursor.number();
  if (!number) return kNone;
  double share = *number > 1.0 ? *number / kPercent : *number;
  StatementReader unit = cursor;
  unit.skip(" \t");
  if (unit.take("%") || unit.take("percent") || unit.take("per cent")) {
    share = *number / kPercent;
    cursor = unit;
  } else if (unit.take("/") || unit.take("out of")) {
    unit.skip(" \t");
    if (const std::optional<double> whole = unit.number()) {
      share = *whole > 0.0 ? *number / *whole : kNone;
      cursor = unit;
      cursor.take("%");
    }
  }
  return share <= 1.0 ? share : kNone;
}

// Where the last statement begins and its number should: behind the mark and its colon.
struct Statement {
  size_t begin = 0;
  size_t number = 0;
};
std::optional<Statement> find_statement(std::string_view text, std::string_view mark) {
  for (size_t at = text.size(); at-- > 0;) {
    if (!same_letters(text.substr(at, mark.size()), mark)) continue;
    if (at > 0 && is_letter_or_digit(text[at - 1])) continue;
    StatementReader cursor(text, at + mark.size());
    cursor.skip(kBetween);
    if (!cursor.take(":") && !cursor.take("=")) continue;
    cursor.skip(kBetween);
    return Statement{at, cursor.at()};
  }
  return std::nullopt;
}

}  // namespace

VerbalConfidence take_verbal_confidence(std::string_view text, std::string_view mark) {
  VerbalConfidence out{std::string(text)};
  const std::optional<Statement> found = find_statement(text, mark);
  if (!found) return out;
  StatementReader cursor(text, found->number);
  out.confidence = read_share(cursor);
  cursor.skip(kAfter);
  size_t end = cursor.at();
  if (end < text.size() && text[end] != '\n' && std::isnan(out.confidence))
    end = std::min(text.find('\n', end), text.size());
  size_t begin = found->begin;
  while (begin > 0 && kBefore.find(text[begin - 1]) != std::string_view::npos) --begin;
  const std::string_view before = python_strip(text.substr(0, begin));
  const std::string_view after = python_strip(text.substr(end));
  out.answer = std::string(before);
  if (!before.empty() && !after.empty()) out.answer += '\n';
  out.answer += after;
  return out;
}

}  // namespace sizeup
