#include "core/jinja/methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/jinja/builtins.h"
#include "core/jinja/evaluator.h"
#include "core/jinja/loop.h"
#include "core/jinja/string_methods.h"

namespace sizeup::jinja {
namespace {

Value view_of(const Invocation& call, SequenceKind kind) {
  const Dict& dict = *call.input.dict();
  call.limits.charge(static_cast<int64_t>(dict.entries.size()));
  std::vector<Value> items;
  for (const auto& [key, value] : dict.entries) {
    items.push_back(kind == SequenceKind::keys     ? key
                    : kind == SequenceKind::values ? value
                                                   : make_tuple({key, value}));
  }
  return make_sequence(kind, std::move(items));
}

Value dict_items(const Invocation& call) {
  return view_of(call, SequenceKind::items);
}
Value dict_keys(const Invocation& call) {
  return view_of(call, SequenceKind::keys);
}
Value dict_values(const Invocation& call) {
  return view_of(call, SequenceKind::values);
}
Value dict_copy(const Invocation& call) {
  return make_dict(call.input.dict()->entries);
}

Value dict_get(const Invocation& call) {
  if (const Value* found = call.input.dict()->find(call[0])) return *found;
  return call.given(1) ? call[1] : Value();
}

Value list_copy(const Invocation& call) {
  return make_list(take_items(call.input, call.limits));
}

Value list_count(const Invocation& call) {
  int64_t count = 0;
  for (const Value& item : call.input.sequence()->items) {
    count += item.same_object(call[0]) || equal(item, call[0], call.limits) ? 1 : 0;
  }
  return count;
}

Value list_index(const Invocation& call) {
  const std::vector<Value>& items = call.input.sequence()->items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].same_object(call[0]) || equal(items[i], call[0], call.limits))
      return static_cast<int64_t>(i);
  }
  fail("value is not in list");
}

constexpr Builtin kDictMethods[] = {
    {"copy", "", dict_copy}, {"get", "!key default", dict_get}, {"items", "", dict_items},
    {"keys", "", dict_keys}, {"values", "", dict_values},
};

constexpr Builtin kListMethods[] = {
    {"copy", "", list_copy},
    {"count", "!value", list_count},
    {"index", "!value", list_index},
};

constexpr Builtin kTupleMethods[] = {
    {"count", "!value", list_count},
    {"index", "!value", list_index},
};

// What the immutable sandbox refuses: using it fails.
constexpr std::string_view kDictMutators[] = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::string_view kListMutators[] = {"append", "clear",  "extend",  "insert",
                                              "pop",    "remove", "reverse", "sort"};

// What Python's values have besides.
constexpr std::string_view kMissingDict[] = {"fromkeys"};
constexpr std::string_view kMissingNumber[] = {
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator",
    "from_bytes",       "fromhex",   "hex",        "imag",      "is_integer",
    "numerator",        "real",      "to_bytes"};
constexpr std::string_view kMissingSequence[] = {"count", "index", "isdisjoint", "mapping",
                                                 "start", "stop",  "step"};
constexpr std::string_view kMissingMacro[] = {"arguments",     "caller",          "catch_kwargs",
                                              "catch_varargs", "explicit_caller", "name"};

// The attributes of one kind of value.
struct Kind {
  std::span<const Builtin> methods;
  std::span<const std::string_view> mutators;
  std::span<const std::string_view> missing;
};

Kind kind_of(const Value& value) {
  if (value.is_string()) return {{}, {}, missing_string_methods()};
  if (value.dict() != nullptr) return {kDictMethods, kDictMutators, kMissingDict};
  if (value.is_number()) return {{}, {}, kMissingNumber};
  if (value.function() != nullptr) return {{}, {}, kMissingMacro};
  if (const Sequence* sequence = value.sequence()) {
    if (sequence->kind == SequenceKind::list) return {kListMethods, kListMutators, {}};
    if (sequence->kind == SequenceKind::tuple) return {kTupleMethods, {}, {}};
    return {{}, {}, kMissingSequence};
  }
  return {};
}

bool contains_name(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value bind_method(const Builtin& row, const Value& self) {
  auto function = std::make_shared<Function>();
  function->name = row.name;
  function->call = [&row, self](Evaluator& evaluator, Arguments& arguments) {
    return invoke(row, evaluator, self, arguments);
  };
  return function;
}

Value refuse(Evaluator& evaluator, const Value& object, std::string_view name) {
  return evaluator.undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
}

}  // namespace

std::optional<Value> find_attribute(Evaluator& evaluator, const Value& object, const std::string& name) {
  if (const Namespace* space = object.name_space()) {
    const Value* found = space->attributes.find(std::string_view(name));
    if (found == nullptr) return std::nullopt;
    return name[0] == '_' ? refuse(evaluator, object, name) : *found;
  }
  // Every Python object has attributes such as __class__; the sandbox refuses them all.
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__"))
    return refuse(evaluator, object, name);
  if (object.loop() != nullptr)
    return loop_attribute(*object.get<std::shared_ptr<Loop>>(), name, evaluator.is_strict());
  const Kind kind = kind_of(object);
  const Builtin* row = object.is_string() ? find_string_method(name) : find_builtin(kind.methods, name);
  if (row != nullptr) return bind_method(*row, object);
  if (contains_name(kind.mutators, name)) return refuse(evaluator, object, name);
  if (contains_name(kind.missing, name)) {
    fail_not_supported(fmt::format("the attribute '{}' of '{}'", name, type_name(object)));
  }
  return std::nullopt;
}

}  // namespace sizeup::jinja
