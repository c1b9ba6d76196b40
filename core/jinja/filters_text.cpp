#include "core/jinja/filters_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/jinja/evaluator.h"
#include "core/jinja/format.h"
#include "core/jinja/operators.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

// Jinja2's soft_str: text that stays markup if it was.
struct SoftText {
  explicit SoftText(const Invocation& call)
      : text(to_text(call.input, call.limits)), markup(call.input.is_markup()) {}
  std::string text;
  bool markup;
};

Value filter_upper(const Invocation& call) {
  const SoftText soft(call);
  return Value(to_upper(soft.text), soft.markup);
}

Value filter_lower(const Invocation& call) {
  const SoftText soft(call);
  return Value(to_lower(soft.text), soft.markup);
}

Value filter_capitalize(const Invocation& call) {
  const SoftText soft(call);
  return Value(to_capitalized(soft.text), soft.markup);
}

// Unlike str.title, words begin only after white space and opening brackets.
Value filter_title(const Invocation& call) {
  const std::string text = to_text(call.input, call.limits);
  const auto is_separator = [](char32_t c) {
    return is_space(c) ||
           (c < 0x80 && std::string_view("-({[<").find(static_cast<char>(c)) != std::string_view::npos);
  };
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool separators = is_separator(decode_at(text, i).value);
    const size_t first_end = i + decode_at(text, i).bytes;
    size_t end = first_end;
    while (end < text.size() && is_separator(decode_at(text, end).value) == separators)
      end += decode_at(text, end).bytes;
    const std::string_view part = std::string_view(text).substr(i, end - i);
    out += to_upper(part.substr(0, first_end - i)) + to_lower(part.substr(first_end - i));
    i = end;
  }
  return out;
}

Value filter_trim(const Invocation& call) {
  const SoftText soft(call);
  const std::string_view text = soft.text;
  if (!call.given_not_none(0)) return Value(std::string(strip_left(strip_right(text))), soft.markup);
  const std::string_view set = call.text(0, "");
  return Value(std::string(strip_left(strip_right(text, set), set)), soft.markup);
}

Value filter_replace(const Invocation& call) {
  const std::string text = to_text(call.input, call.limits);
  const std::string from = to_text(call[0], call.limits);
  const std::string to = to_text(call[1], call.limits);
  const int64_t count = call.given_not_none(2) ? call.integer(2, -1) : -1;
  call.limits.charge_bytes(replaced_size(text, from, to, count));
  return replace_all(text, from, to, count);
}

Value filter_indent(const Invocation& call) {
  if (call.input.is_undefined()) fail_undefined(call.input);
  if (!call.input.is_string()) fail(fmt::format("indent: expected str, got '{}'", type_name(call.input)));
  std::string indentation;
  if (call.given(0) && call[0].is_string()) {
    indentation = call[0].text();
  } else {
    const auto width = static_cast<size_t>(std::max<int64_t>(call.integer(0, 4), 0));
    call.limits.charge_bytes(width);
    indentation.assign(width, ' ');
  }
  const bool blank = call.flag(2, false);
  const std::string text = call.input.text() + "\n";
  BoundedText out(call.limits);
  if (call.flag(1, false)) out.append(indentation);
  bool first = true;
  for (std::string_view line : split_lines(text, /*keep_ends=*/false)) {
    if (!first) out.append("\n");
    if (!first && (blank || !line.empty())) out.append(indentation);
    out.append(line);
    first = false;
  }
  return Value(out.take(), call.input.is_markup());
}

Value filter_center(const Invocation& call) {
  const SoftText soft(call);
  const int64_t width = call.integer(0, 80);
  const auto length = static_cast<int64_t>(count_code_points(soft.text));
  if (width <= length) return Value(soft.text, soft.markup);
  const int64_t padding = width - length;
  const int64_t left = padding / 2 + (padding & width & 1);
  call.limits.charge_bytes(soft.text.size() + static_cast<size_t>(padding));
  return Value(std::string(static_cast<size_t>(left), ' ') + soft.text +
                   std::string(static_cast<size_t>(padding - left), ' '),
               soft.markup);
}

Value filter_string(const Invocation& call) {
  SoftText soft(call);
  return Value(std::move(soft.text), soft.markup);
}

Value filter_safe(const Invocation& call) {
  return Value(to_text(call.input, call.limits), /*markup=*/true);
}

Value filter_escape(const Invocation& call) {
  if (call.input.is_markup()) return call.input;
  const std::string text = to_text(call.input, call.limits);
  call.limits.charge_bytes(5 * text.size());  // the longest entity has five characters
  return Value(escape_html(text), /*markup=*/true);
}

Value filter_forceescape(const Invocation& call) {
  const std::string text = to_text(call.input, call.limits);
  call.limits.charge_bytes(5 * text.size());
  return Value(escape_html(text), /*markup=*/true);
}

Value filter_format(const Invocation& call) {
  if (!call.arguments.positional.empty() && !call.arguments.keyword.empty()) {
    fail("can't handle positional and keyword arguments at the same time");
  }
  const SoftText soft(call);
  std::vector<std::pair<Value, Value>> named;
  for (const auto& [name, value] : call.arguments.keyword) named.emplace_back(Value(name), value);
  const Value values = named.empty() ? make_tuple(call.arguments.positional) : make_dict(std::move(named));
  return percent_format(Value(soft.text, soft.markup), values, call.evaluator);
}

constexpr Builtin kFilters[] = {
    {"capitalize", "", filter_capitalize},
    {"center", "width", filter_center},
    {"e", "", filter_escape},
    {"escape", "", filter_escape},
    {"forceescape", "", filter_forceescape},
    {"format", "*", filter_format},
    {"indent", "width first blank", filter_indent},
    {"lower", "", filter_lower},
    {"replace", "!old !new count", filter_replace},
    {"safe", "", filter_safe},
    {"string", "", filter_string},
    {"title", "", filter_title},
    {"trim", "chars", filter_trim},
    {"upper", "", filter_upper},
};

}  // namespace

std::span<const Builtin> text_filters() {
  return kFilters;
}

}  // namespace sizeup::jinja
