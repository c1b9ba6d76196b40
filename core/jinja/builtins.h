// One row type for everything that templates find by name: filters, tests, methods, global functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/jinja/value.h"

namespace sizeup::jinja {

// One call of a built-in: its input (what is filtered or tested, or the method's object) and its arguments.
struct Invocation {
  Evaluator& evaluator;
  Limits& limits;
  std::string_view name;
  const Value& input;
  Arguments& arguments;             // as written; only for rows whose parameters are "*"
  std::vector<const Value*> bound;  // one for each parameter of the row; null where not given

  bool given(size_t index) const { return bound[index] != nullptr; }
  bool given_not_none(size_t index) const { return given(index) && !bound[index]->is_none(); }
  const Value& operator[](size_t index) const { return *bound[index]; }
  // The argument, or the fallback if it was not given; throws if it has another type.
  int64_t integer(size_t index, int64_t fallback) const;
  std::string_view text(size_t index, std::string_view fallback) const;
  bool flag(size_t index, bool fallback) const;  // by truth, as Python does
};

using BuiltinFunction = Value (*)(const Invocation& call);

struct Builtin {
  std::string_view name;
  // Parameter names in order, "!" before those without a default; "*" takes any arguments as they are.
  std::string_view parameters;
  BuiltinFunction function;
};

// The row with this name, or null.
const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name);

// Binds the arguments to the row's parameters as Python would, then calls it.
Value invoke(const Builtin& builtin, Evaluator& evaluator, const Value& input, Arguments& arguments);

}  // namespace sizeup::jinja
