#include "core/jinja/string_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/jinja/operators.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

// How many characters the text lacks to the width that argument 0 names.
int64_t missing_characters(const Invocation& call) {
  const auto length = static_cast<int64_t>(count_code_points(call.input.text()));
  const int64_t width = call.integer(0, 0);
  return width > length ? width - length : 0;
}

std::string repeated(const Invocation& call, std::string_view character, int64_t times) {
  std::string out;
  call.limits.charge_bytes(static_cast<size_t>(std::min<int64_t>(times, INT64_MAX / 4)) * character.size());
  for (int64_t i = 0; i < times; ++i) out += character;
  return out;
}

Value padded(const Invocation& call, int64_t left, int64_t right) {
  std::string fill(call.text(1, " "));
  if (call.input.is_markup() && call.given(1) && !call[1].is_markup()) fill = escape_html(fill);
  if (count_code_points(fill) != 1) fail("The fill character must be exactly one character long");
  const std::string before = repeated(call, fill, left);
  return Value(before + call.input.text() + repeated(call, fill, right), call.input.is_markup());
}

Value str_ljust(const Invocation& call) {
  return padded(call, 0, missing_characters(call));
}
Value str_rjust(const Invocation& call) {
  return padded(call, missing_characters(call), 0);
}

Value str_center(const Invocation& call) {
  const int64_t missing = missing_characters(call);
  // CPython gives the odd one to the left where the width is odd.
  const int64_t left = missing / 2 + (missing & call.integer(0, 0) & 1);
  return padded(call, left, missing - left);
}

Value str_zfill(const Invocation& call) {
  std::string_view text = call.input.text();
  std::string sign;
  const std::string zeros = repeated(call, "0", missing_characters(call));
  if (text.starts_with('+') || text.starts_with('-')) {
    sign = text.substr(0, 1);
    text.remove_prefix(1);
  }
  return Value(sign + zeros + std::string(text), call.input.is_markup());
}

Value str_expandtabs(const Invocation& call) {
  const int64_t tab = call.integer(0, 8);
  std::string out;
  int64_t column = 0;
  for (const std::string_view character : split_characters(call.input.text())) {
    if (character == "\t") {
      const int64_t spaces = tab > 0 ? tab - column % tab : 0;
      out += repeated(call, " ", spaces);
      column += spaces;
      continue;
    }
    out += character;
    column = character == "\n" || character == "\r" ? 0 : column + 1;
  }
  return Value(std::move(out), call.input.is_markup());
}

constexpr Builtin kMethods[] = {
    {"center", "!width fillchar", str_center},
    {"expandtabs", "tabsize", str_expandtabs},
    {"ljust", "!width fillchar", str_ljust},
    {"rjust", "!width fillchar", str_rjust},
    {"zfill", "!width", str_zfill},
};

}  // namespace

std::span<const Builtin> string_layout_methods() {
  return kMethods;
}

}  // namespace sizeup::jinja
