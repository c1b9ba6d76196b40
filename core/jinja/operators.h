// Python's operators on values, and its item and slice access.
#pragma once

#include <optional>
#include <string_view>

#include "core/jinja/value.h"

namespace sizeup::jinja {

Value unary_operator(std::string_view symbol, const Value& operand);
// "+", "-", "*", "/", "//", "%", "**".
Value binary_operator(std::string_view symbol, const Value& left, const Value& right, Evaluator& evaluator);
// "==", "!=", "<", "<=", ">", ">=", "in", "not in".
bool comparison_holds(std::string_view symbol, const Value& left, const Value& right, Limits& limits);
bool contains(const Value& container, const Value& item, Limits& limits);

// object[key] where Python finds an item; nullopt where it raises IndexError, KeyError or TypeError.
std::optional<Value> find_item(const Value& object, const Value& key, Limits& limits);
// object[start:stop:step]; a bound that is None is left out.
Value slice_of(const Value& object, const Value& start, const Value& stop, const Value& step, Limits& limits);

// markupsafe.escape: & < > ' " as entities.
std::string escape_html(std::string_view text);
// left + right for strings, with the escaping that Markup adds.
Value add_strings(const Value& left, const Value& right, Limits& limits);

}  // namespace sizeup::jinja
