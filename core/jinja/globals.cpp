#include "core/jinja/globals.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/jinja/builtins.h"
#include "core/jinja/evaluator.h"
#include "core/jinja/time_format.h"

namespace sizeup::jinja {
namespace {

Value global_range(const Invocation& call) {
  const bool has_stop = call.given(1);
  const int64_t start = has_stop ? call.integer(0, 0) : 0;
  const int64_t stop = has_stop ? call.integer(1, 0) : call.integer(0, 0);
  const int64_t step = call.integer(2, 1);
  if (step == 0) fail("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) >= kMaxRange) {
      fail(fmt::format("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).", kMaxRange));
    }
    call.limits.charge(1);
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  auto range = std::make_shared<Sequence>();
  range->kind = SequenceKind::range;
  range->items = std::move(items);
  range->range = {start, stop, step};
  return range;
}

// dict(mapping or pairs, **more).
Dict dict_of(const Invocation& call) {
  Dict dict;
  const auto& positional = call.arguments.positional;
  if (positional.size() > 1)
    fail(fmt::format("{} expected at most 1 argument, got {}", call.name, positional.size()));
  if (positional.size() == 1) {
    if (const Dict* source = positional[0].dict()) {
      dict = *source;
    } else {
      for (const Value& pair : take_items(positional[0], call.limits)) {
        std::vector<Value> parts = take_items(pair, call.limits);
        if (parts.size() != 2) fail(fmt::format("{}: every element must be a pair", call.name));
        dict.set(std::move(parts[0]), std::move(parts[1]));
      }
    }
  }
  for (const auto& [name, value] : call.arguments.keyword) dict.set(Value(name), value);
  return dict;
}

Value global_dict(const Invocation& call) {
  return std::make_shared<Dict>(dict_of(call));
}

Value global_namespace(const Invocation& call) {
  Dict attributes = dict_of(call);
  for (const auto& [name, value] : attributes.entries) {
    if (name.is_string()) check_namespace_attribute(name.text(), call.evaluator.settings());
  }
  return call.evaluator.make_namespace(std::move(attributes));
}

Value raise_exception(const Invocation& call) {
  fail(to_text(call[0], call.limits));
}

Value strftime_now(const Invocation& call) {
  return format_time(call.evaluator.settings().now, call.text(0, ""), call.limits);
}

constexpr Builtin kGlobals[] = {
    {"dict", "*", global_dict},
    {"namespace", "*", global_namespace},
    {"range", "!start stop step", global_range},
};

// What transformers adds for chat templates.
constexpr Builtin kChatGlobals[] = {
    {"raise_exception", "!message", raise_exception},
    {"strftime_now", "!format", strftime_now},
};

// Jinja2 has these too.
constexpr std::string_view kMissing[] = {"cycler", "joiner", "lipsum"};

Value to_function(const Builtin& row) {
  auto function = std::make_shared<Function>();
  function->name = row.name;
  function->call = [&row](Evaluator& evaluator, Arguments& arguments) {
    return invoke(row, evaluator, Value(), arguments);
  };
  return function;
}

}  // namespace

std::optional<Value> find_global(std::string_view name, const TemplateSettings& settings) {
  if (const Builtin* row = find_builtin(kGlobals, name)) return to_function(*row);
  if (settings.chat_globals) {
    if (const Builtin* row = find_builtin(kChatGlobals, name)) return to_function(*row);
  }
  if (std::find(std::begin(kMissing), std::end(kMissing), name) != std::end(kMissing)) {
    fail_not_supported(fmt::format("the function '{}'", name));
  }
  return std::nullopt;
}

void check_namespace_attribute(std::string_view name, const TemplateSettings& settings) {
  if (settings.chat_globals && name.starts_with('_')) {
    fail(fmt::format(
        "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '{}'", name));
  }
}

}  // namespace sizeup::jinja
