#include "core/jinja/filters_sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/jinja/evaluator.h"
#include "core/jinja/operators.h"
#include "core/jinja/text.h"

namespace sizeup::jinja {
namespace {

using KeyFunction = std::function<Value(const Value&)>;

Value lower_if_string(const Value& value) {
  return value.is_string() ? Value(to_lower(value.text())) : value;
}

// "address.city" or "pair.0" as a path of keys; None is the empty path.
std::vector<Value> attribute_path(const Value& attribute) {
  if (attribute.is_none()) return {};
  if (!attribute.is_string()) return {attribute};
  std::vector<Value> path;
  std::string_view rest = attribute.text();
  while (true) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool is_number =
        !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string_view::npos;
    path.push_back(is_number ? Value(static_cast<int64_t>(std::stoll(std::string(part)))) : Value(part));
    if (dot == rest.size()) return path;
    rest.remove_prefix(dot + 1);
  }
}

// Jinja2's make_attrgetter.
KeyFunction attribute_getter(Evaluator& evaluator, const Value& attribute, bool ignore_case,
                             Value fallback = {}) {
  return [&evaluator, path = attribute_path(attribute), ignore_case,
          fallback = std::move(fallback)](const Value& item) {
    Value value = item;
    for (const Value& key : path) {
      value = evaluator.item(value, key);
      if (!fallback.is_none() && value.is_undefined()) value = fallback;
    }
    return ignore_case ? lower_if_string(value) : value;
  };
}

// Sorts by keys, keeping the order of equal ones, also when reversed (as Python).
std::vector<Value> sorted_by(std::vector<Value> items, const KeyFunction& key, bool reverse, Limits& limits) {
  std::vector<Value> keys;
  for (const Value& item : items) keys.push_back(key(item));
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t left, size_t right) {
    return reverse ? compare(keys[right], keys[left], "<", limits) < 0
                   : compare(keys[left], keys[right], "<", limits) < 0;
  });
  std::vector<Value> out;
  for (size_t index : order) out.push_back(std::move(items[index]));
  return out;
}

Value generator(std::vector<Value> items) {
  return make_sequence(SequenceKind::generator, std::move(items));
}

Value attribute_argument(const Invocation& call, size_t index) {
  return call.given(index) ? call[index] : Value();
}

Value filter_length(const Invocation& call) {
  return length_of(call.input);
}
Value filter_list(const Invocation& call) {
  return make_list(take_items(call.input, call.limits));
}

Value filter_first(const Invocation& call) {
  // Looking at one item must not copy the others.
  if (call.input.is_string() && !call.input.text().empty())
    return *find_item(call.input, Value(int64_t{0}), call.limits);
  std::vector<Value> items = take_items(call.input, call.limits);
  return items.empty() ? call.evaluator.undefined("No first item, sequence was empty.") : items.front();
}

void require_reversible(const Value& value) {
  if (value.is_undefined()) {
    if (value.get<Undefined>()->strict) fail_undefined(value);
    return;
  }
  const bool reversible = value.is_string() || value.dict() != nullptr ||
                          (value.sequence() != nullptr && value.sequence()->kind != SequenceKind::generator);
  if (!reversible) fail(fmt::format("'{}' object is not reversible", type_name(value)));
}

Value filter_last(const Invocation& call) {
  require_reversible(call.input);
  std::vector<Value> items = take_items(call.input, call.limits);
  return items.empty() ? call.evaluator.undefined("No last item, sequence was empty.") : items.back();
}

Value filter_reverse(const Invocation& call) {
  std::vector<Value> items = take_items(call.input, call.limits);
  std::reverse(items.begin(), items.end());
  if (call.input.is_string()) {
    std::string text;
    for (const Value& item : items) text += item.text();
    return Value(std::move(text), call.input.is_markup());
  }
  const bool was_generator =
      call.input.sequence() != nullptr && call.input.sequence()->kind == SequenceKind::generator;
  return was_generator ? make_list(std::move(items)) : generator(std::move(items));
}

Value filter_join(const Invocation& call) {
  std::vector<Value> items = take_items(call.input, call.limits);
  if (call.given_not_none(1)) {
    const KeyFunction attribute = attribute_getter(call.evaluator, call[1], false);
    for (Value& item : items) item = attribute(item);
  }
  const std::string separator = call.given(0) ? to_text(call[0], call.limits) : "";
  BoundedText out(call.limits);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(separator);
    out.append(to_text(items[i], call.limits));
  }
  return out.take();
}

Value filter_items(const Invocation& call) {
  if (call.input.is_undefined()) return generator({});
  if (call.input.dict() == nullptr) fail("Can only get item pairs from a mapping.");
  std::vector<Value> pairs;
  call.limits.charge(static_cast<int64_t>(call.input.dict()->entries.size()));
  for (const auto& [key, value] : call.input.dict()->entries) pairs.push_back(make_tuple({key, value}));
  return generator(std::move(pairs));
}

Value filter_dictsort(const Invocation& call) {
  const bool case_sensitive = call.flag(0, false);
  const std::string_view by = call.text(1, "key");
  if (by != "key" && by != "value") fail("You can only sort by either \"key\" or \"value\"");
  if (call.input.is_undefined()) fail_undefined(call.input);
  if (call.input.dict() == nullptr)
    fail(fmt::format("dictsort: '{}' object has no attribute 'items'", type_name(call.input)));
  std::vector<Value> pairs;
  for (const auto& [key, value] : call.input.dict()->entries) pairs.push_back(make_tuple({key, value}));
  const size_t position = by == "key" ? 0 : 1;
  const auto key = [=](const Value& pair) {
    const Value& part = pair.sequence()->items[position];
    return case_sensitive ? part : lower_if_string(part);
  };
  return make_list(sorted_by(std::move(pairs), key, call.flag(2, false), call.limits));
}

Value filter_sort(const Invocation& call) {
  const bool ignore_case = !call.flag(1, false);
  std::vector<KeyFunction> getters;
  const Value attribute = attribute_argument(call, 2);
  std::string_view rest = attribute.is_string() ? std::string_view(attribute.text()) : std::string_view();
  if (!attribute.is_string()) getters.push_back(attribute_getter(call.evaluator, attribute, ignore_case));
  for (bool more = attribute.is_string(); more;) {
    const size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    getters.push_back(attribute_getter(call.evaluator, Value(rest.substr(0, comma)), ignore_case));
    if (more) rest.remove_prefix(comma + 1);
  }
  const auto key = [&getters](const Value& item) {
    std::vector<Value> parts;
    for (const KeyFunction& getter : getters) parts.push_back(getter(item));
    return make_list(std::move(parts));
  };
  return make_list(sorted_by(take_items(call.input, call.limits), key, call.flag(0, false), call.limits));
}

Value filter_unique(const Invocation& call) {
  const KeyFunction key = attribute_getter(call.evaluator, attribute_argument(call, 1), !call.flag(0, false));
  Dict seen;
  std::vector<Value> out;
  for (const Value& item : take_items(call.input, call.limits)) {
    const Value value = key(item);
    call.limits.charge(value.is_string() ? 1 : static_cast<int64_t>(seen.entries.size()) + 1);
    if (seen.find(value) != nullptr) continue;
    seen.set(value, Value());
    out.push_back(item);
  }
  return generator(std::move(out));
}

Value extreme(const Invocation& call, bool largest) {
  const KeyFunction key = attribute_getter(call.evaluator, attribute_argument(call, 1), !call.flag(0, false));
  std::vector<Value> items = take_items(call.input, call.limits);
  if (items.empty()) return call.evaluator.undefined("No aggregated item, sequence was empty.");
  size_t best = 0;
  Value best_key = key(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    Value candidate = key(items[i]);
    const bool better = largest ? compare(candidate, best_key, ">", call.limits) > 0
                                : compare(candidate, best_key, "<", call.limits) < 0;
    if (!better) continue;
    best = i;
    best_key = std::move(candidate);
  }
  return items[best];
}

Value filter_min(const Invocation& call) {
  return extreme(call, false);
}
Value filter_max(const Invocation& call) {
  return extreme(call, true);
}

Value filter_sum(const Invocation& call) {
  const KeyFunction key = attribute_getter(call.evaluator, attribute_argument(call, 0), false);
  Value total = call.given(1) ? call[1] : Value(int64_t{0});
  if (total.is_string()) fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : take_items(call.input, call.limits)) {
    total = binary_operator("+", total, key(item), call.evaluator);
  }
  return total;
}

// The arguments after the first `count` positional ones.
Arguments rest_of(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

std::string name_argument(const Value& name) {
  if (!name.is_string())
    fail(fmt::format("expected the name of a filter or test, got '{}'", type_name(name)));
  return name.text();
}

KeyFunction mapper(const Invocation& call) {
  const auto& keyword = call.arguments.keyword;
  const bool by_attribute =
      call.arguments.positional.empty() &&
      std::any_of(keyword.begin(), keyword.end(), [](const auto& k) { return k.first == "attribute"; });
  if (by_attribute) {
    Value attribute;
    Value fallback;
    for (const auto& [name, value] : keyword) {
      if (name != "attribute" && name != "default")
        fail(fmt::format("Unexpected keyword argument '{}'", name));
      (name == "attribute" ? attribute : fallback) = value;
    }
    return attribute_getter(call.evaluator, attribute, false, fallback);
  }
  if (call.arguments.positional.empty()) fail("map requires a filter argument");
  const std::string name = name_argument(call.arguments.positional[0]);
  return [&call, name, rest = rest_of(call.arguments, 1)](const Value& item) {
    Arguments arguments = rest;
    return call.evaluator.apply_filter(name, item, arguments);
  };
}

Value filter_map(const Invocation& call) {
  if (!truth(call.input)) return generator({});
  const KeyFunction map = mapper(call);
  std::vector<Value> items = take_items(call.input, call.limits);
  for (Value& item : items) item = map(item);
  return generator(std::move(items));
}

// select, reject, selectattr, rejectattr.
Value choose(const Invocation& call, bool keep_if, bool by_attribute) {
  if (!truth(call.input)) return generator({});
  const auto& positional = call.arguments.positional;
  const size_t offset = by_attribute ? 1 : 0;
  if (positional.size() < offset) fail("Missing parameter for attribute name");
  const KeyFunction subject = attribute_getter(call.evaluator, by_attribute ? positional[0] : Value(), false);
  const bool has_test = positional.size() > offset;
  const std::string test = has_test ? name_argument(positional[offset]) : "";
  std::vector<Value> out;
  for (Value& item : take_items(call.input, call.limits)) {
    const Value value = subject(item);
    Arguments arguments = has_test ? rest_of(call.arguments, offset + 1) : Arguments();
    const bool holds = has_test ? call.evaluator.apply_test(test, value, arguments) : truth(value);
    if (holds == keep_if) out.push_back(std::move(item));
  }
  return generator(std::move(out));
}

Value filter_select(const Invocation& call) {
  return choose(call, true, false);
}
Value filter_reject(const Invocation& call) {
  return choose(call, false, false);
}
Value filter_selectattr(const Invocation& call) {
  return choose(call, true, true);
}
Value filter_rejectattr(const Invocation& call) {
  return choose(call, false, true);
}

Value filter_batch(const Invocation& call) {
  const int64_t size = call.integer(0, 0);
  std::vector<Value> rows;
  std::vector<Value> row;
  for (Value& item : take_items(call.input, call.limits)) {
    if (static_cast<int64_t>(row.size()) == size) rows.push_back(make_list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  if (row.empty()) return generator(std::move(rows));
  if (call.given_not_none(1)) {
    call.limits.charge(std::max<int64_t>(size, 0));
    while (static_cast<int64_t>(row.size()) < size) row.push_back(call[1]);
  }
  rows.push_back(make_list(std::move(row)));
  return generator(std::move(rows));
}

constexpr Builtin kFilters[] = {
    {"batch", "!linecount fill_with", filter_batch},
    {"count", "", filter_length},
    {"dictsort", "case_sensitive by reverse", filter_dictsort},
    {"first", "", filter_first},
    {"items", "", filter_items},
    {"join", "d attribute", filter_join},
    {"last", "", filter_last},
    {"length", "", filter_length},
    {"list", "", filter_list},
    {"map", "*", filter_map},
    {"max", "case_sensitive attribute", filter_max},
    {"min", "case_sensitive attribute", filter_min},
    {"reject", "*", filter_reject},
    {"rejectattr", "*", filter_rejectattr},
    {"reverse", "", filter_reverse},
    {"select", "*", filter_select},
    {"selectattr", "*", filter_selectattr},
    {"sort", "reverse case_sensitive attribute", filter_sort},
    {"sum", "attribute start", filter_sum},
    {"unique", "case_sensitive attribute", filter_unique},
};

}  // namespace

std::span<const Builtin> sequence_filters() {
  return kFilters;
}

}  // namespace sizeup::jinja
