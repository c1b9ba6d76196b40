#include "core/jinja/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/jinja/evaluator.h"
#include "core/jinja/filters_sequence.h"
#include "core/jinja/filters_text.h"
#include "core/jinja/json_text.h"
#include "core/jinja/numbers.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

Value filter_abs(const Invocation& call) {
  if (call.input.is_undefined()) fail_undefined(call.input);
  if (!call.input.is_number()) fail(fmt::format("bad operand type for abs(): '{}'", type_name(call.input)));
  if (!call.input.is_integer()) return std::fabs(call.input.real());
  return call.input.integer() < 0 ? arithmetic("-", Value(int64_t{0}), call.input)
                                  : Value(call.input.integer());
}

Value filter_default(const Invocation& call) {
  const Value fallback = call.given(0) ? call[0] : Value("");
  if (call.input.is_undefined()) return fallback;
  return call.flag(1, false) && !truth(call.input) ? fallback : call.input;
}

Value filter_int(const Invocation& call) {
  const Value fallback = call.given(0) ? call[0] : Value(int64_t{0});
  const Value& input = call.input;
  if (input.is_undefined()) fail_undefined(input);
  if (input.is_integer()) return input.integer();
  if (const double* real = input.get<double>())
    return std::isnan(*real) ? fallback : Value(truncate_to_integer(*real));
  if (!input.is_string()) return fallback;
  const int64_t base = call.integer(1, 10);
  if (base != 0 && (base < 2 || base > 36)) return fallback;
  if (const auto integer = parse_integer(input.text(), static_cast<int>(base))) return *integer;
  const auto real = parse_real(input.text());
  return real && std::isfinite(*real) ? Value(truncate_to_integer(*real)) : fallback;
}

Value filter_float(const Invocation& call) {
  const Value fallback = call.given(0) ? call[0] : Value(0.0);
  if (call.input.is_undefined()) fail_undefined(call.input);
  if (call.input.is_number()) return call.input.real();
  if (!call.input.is_string()) return fallback;
  const auto real = parse_real(call.input.text());
  return real ? Value(*real) : fallback;
}

Value filter_round(const Invocation& call) {
  const int64_t precision = call.integer(0, 0);
  const std::string_view method = call.text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor")
    fail("method must be common, ceil or floor");
  if (call.input.is_undefined()) fail_undefined(call.input);
  if (!call.input.is_number()) fail(fmt::format("type {} doesn't define a rounding", type_name(call.input)));
  if (method == "common") {
    if (!call.input.is_integer()) return round_to(call.input.real(), precision);
    if (precision >= 0) return call.input.integer();
    return truncate_to_integer(round_to(call.input.real(), precision));
  }
  const Value scale = arithmetic("**", Value(int64_t{10}), Value(precision));
  const double scaled = arithmetic("*", call.input, scale).real();
  const Value whole = truncate_to_integer(method == "ceil" ? std::ceil(scaled) : std::floor(scaled));
  return arithmetic("/", whole, scale);
}

std::optional<std::string> indent_of(const Invocation& call, size_t index) {
  if (!call.given_not_none(index)) return std::nullopt;
  if (call[index].is_string()) return call[index].text();
  const int64_t width = std::max<int64_t>(call.integer(index, 0), 0);
  call.limits.charge_bytes(static_cast<size_t>(width));
  return std::string(static_cast<size_t>(width), ' ');
}

// transformers replaces Jinja2's filter by json.dumps itself.
Value chat_tojson(const Invocation& call) {
  JsonStyle style;
  style.ensure_ascii = call.flag(0, false);
  style.indent = indent_of(call, 1);
  if (style.indent) style.item_separator = ",";
  if (call.given_not_none(2)) {
    const std::vector<Value> separators = take_items(call[2], call.limits);
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      fail("tojson(): separators must be two strings");
    }
    style.item_separator = separators[0].text();
    style.key_separator = separators[1].text();
  }
  style.sort_keys = call.flag(3, false);
  return to_json_text(call.input, style, call.limits);
}

// Jinja2's own: ASCII, sorted keys, HTML characters escaped, marked safe.
Value html_tojson(const Invocation& call) {
  JsonStyle style;
  style.ensure_ascii = true;
  style.sort_keys = true;
  style.indent = indent_of(call, 0);
  if (style.indent) style.item_separator = ",";
  BoundedText out(call.limits);
  for (const char c : to_json_text(call.input, style, call.limits)) {
    const bool is_html = c == '<' || c == '>' || c == '&' || c == '\'';
    out.append(is_html ? fmt::format("\\u{:04x}", static_cast<unsigned>(c)) : std::string(1, c));
  }
  return Value(out.take(), /*markup=*/true);
}

constexpr Builtin kChatTojson = {"tojson", "ensure_ascii indent separators sort_keys", chat_tojson};
constexpr Builtin kHtmlTojson = {"tojson", "indent", html_tojson};

Value filter_tojson(const Invocation& call) {
  return invoke(call.evaluator.settings().chat_globals ? kChatTojson : kHtmlTojson, call.evaluator,
                call.input, call.arguments);
}

Value filter_attr(const Invocation& call) {
  return call.evaluator.attribute_only(call.input, std::string(call.text(0, "")));
}

constexpr Builtin kFilters[] = {
    {"abs", "", filter_abs},
    {"attr", "!name", filter_attr},
    {"d", "default_value boolean", filter_default},
    {"default", "default_value boolean", filter_default},
    {"float", "default", filter_float},
    {"int", "default base", filter_int},
    {"round", "precision method", filter_round},
    {"tojson", "*", filter_tojson},
};

// Jinja2 has these too.
constexpr std::string_view kMissing[] = {"filesizeformat", "groupby",  "pprint",    "random",
                                         "striptags",      "truncate", "urlencode", "urlize",
                                         "wordcount",      "wordwrap", "xmlattr"};

}  // namespace

const Builtin* find_filter(std::string_view name) {
  for (const std::span<const Builtin> table :
       {std::span<const Builtin>(kFilters), text_filters(), sequence_filters()}) {
    if (const Builtin* row = find_builtin(table, name)) return row;
  }
  return nullptr;
}

const Builtin& require_filter(std::string_view name) {
  if (const Builtin* row = find_filter(name)) return *row;
  if (std::find(std::begin(kMissing), std::end(kMissing), name) != std::end(kMissing)) {
    fail_not_supported(fmt::format("the filter '{}'", name));
  }
  fail(fmt::format("No filter named '{}'.", name));
}

}  // namespace sizeup::jinja
