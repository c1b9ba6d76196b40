#include "core/jinja/tests.h"

#include <fmt/format.h>

#include "core/jinja/evaluator.h"
#include "core/jinja/filters.h"
#include "core/jinja/numbers.h"
#include "core/jinja/operators.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

bool is_bool(const Value& value, bool expected) {
  const bool* boolean = value.get<bool>();
  return boolean != nullptr && *boolean == expected;
}

bool has_remainder(const Invocation& call, const Value& divisor, int64_t expected) {
  return equal(binary_operator("%", call.input, divisor, call.evaluator), Value(expected), call.limits);
}

Value test_sequence(const Invocation& call) {
  const Value& input = call.input;
  if (const Undefined* undefined = input.get<Undefined>()) return !undefined->strict;
  if (input.is_string() || input.dict() != nullptr) return true;
  const Sequence* sequence = input.sequence();
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
          sequence->kind == SequenceKind::range);
}

Value test_callable(const Invocation& call) {
  return call.input.is_undefined() || call.input.function() != nullptr || call.input.loop() != nullptr;
}

Value test_filter(const Invocation& call) {
  return call.input.is_string() && find_filter(call.input.text()) != nullptr;
}

Value test_test(const Invocation& call) {
  return call.input.is_string() && find_test(call.input.text()) != nullptr;
}

template <char first, char second = '\0'>
Value test_comparison(const Invocation& call) {
  const char symbol[] = {first, second, '\0'};
  return comparison_holds(symbol, call.input, call[0], call.limits);
}

constexpr auto test_equal = test_comparison<'=', '='>;
constexpr auto test_unequal = test_comparison<'!', '='>;
constexpr auto test_less = test_comparison<'<'>;
constexpr auto test_at_most = test_comparison<'<', '='>;
constexpr auto test_greater = test_comparison<'>'>;
constexpr auto test_at_least = test_comparison<'>', '='>;

constexpr Builtin kTests[] = {
    {"!=", "!other", test_unequal},
    {"<", "!other", test_less},
    {"<=", "!other", test_at_most},
    {"==", "!other", test_equal},
    {">", "!other", test_greater},
    {">=", "!other", test_at_least},
    {"boolean", "", [](const Invocation& call) -> Value { return call.input.get<bool>() != nullptr; }},
    {"callable", "", test_callable},
    {"defined", "", [](const Invocation& call) -> Value { return !call.input.is_undefined(); }},
    {"divisibleby", "!num", [](const Invocation& call) -> Value { return has_remainder(call, call[0], 0); }},
    {"eq", "!other", test_equal},
    {"equalto", "!other", test_equal},
    {"escaped", "", [](const Invocation& call) -> Value { return call.input.is_markup(); }},
    {"even", "", [](const Invocation& call) -> Value { return has_remainder(call, Value(int64_t{2}), 0); }},
    {"false", "", [](const Invocation& call) -> Value { return is_bool(call.input, false); }},
    {"filter", "", test_filter},
    {"float", "", [](const Invocation& call) -> Value { return call.input.get<double>() != nullptr; }},
    {"ge", "!other", test_at_least},
    {"greaterthan", "!other", test_greater},
    {"gt", "!other", test_greater},
    {"in", "!seq",
     [](const Invocation& call) -> Value { return contains(call[0], call.input, call.limits); }},
    {"integer", "", [](const Invocation& call) -> Value { return call.input.get<int64_t>() != nullptr; }},
    {"iterable", "", [](const Invocation& call) -> Value { return is_iterable(call.input); }},
    {"le", "!other", test_at_most},
    {"lessthan", "!other", test_less},
    {"lower", "", [](const Invocation& call) -> Value { return is_lower(to_text(call.input, call.limits)); }},
    {"lt", "!other", test_less},
    {"mapping", "", [](const Invocation& call) -> Value { return call.input.dict() != nullptr; }},
    {"ne", "!other", test_unequal},
    {"none", "", [](const Invocation& call) -> Value { return call.input.is_none(); }},
    {"number", "", [](const Invocation& call) -> Value { return call.input.is_number(); }},
    {"odd", "", [](const Invocation& call) -> Value { return has_remainder(call, Value(int64_t{2}), 1); }},
    {"sameas", "!other", [](const Invocation& call) -> Value { return call.input.same_object(call[0]); }},
    {"sequence", "", test_sequence},
    {"string", "", [](const Invocation& call) -> Value { return call.input.is_string(); }},
    {"test", "", test_test},
    {"true", "", [](const Invocation& call) -> Value { return is_bool(call.input, true); }},
    {"undefined", "", [](const Invocation& call) -> Value { return call.input.is_undefined(); }},
    {"upper", "", [](const Invocation& call) -> Value { return is_upper(to_text(call.input, call.limits)); }},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  return find_builtin(kTests, name);
}

const Builtin& require_test(std::string_view name) {
  if (const Builtin* row = find_test(name)) return *row;
  fail(fmt::format("No test named '{}'.", name));
}

}  // namespace sizeup::jinja
