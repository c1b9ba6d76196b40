#include "core/jinja/builtins.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/jinja/evaluator.h"

namespace sizeup::jinja {
namespace {

std::vector<std::string_view> split_names(std::string_view parameters) {
  std::vector<std::string_view> names;
  while (!parameters.empty()) {
    const size_t space = std::min(parameters.find(' '), parameters.size());
    names.push_back(parameters.substr(0, space));
    parameters.remove_prefix(std::min(space + 1, parameters.size()));
  }
  return names;
}

std::vector<const Value*> bind(const Builtin& builtin, const Arguments& arguments) {
  std::vector<std::string_view> names = split_names(builtin.parameters);
  std::vector<bool> required(names.size(), false);
  for (size_t i = 0; i < names.size(); ++i) {
    required[i] = names[i][0] == '!';
    if (required[i]) names[i].remove_prefix(1);
  }
  if (arguments.positional.size() > names.size()) {
    fail(fmt::format("{}() takes at most {} arguments ({} given)", builtin.name, names.size(),
                     arguments.positional.size()));
  }
  std::vector<const Value*> bound(names.size(), nullptr);
  for (size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.keyword) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      fail(fmt::format("{}() got an unexpected keyword argument '{}'", builtin.name, name));
    }
    const Value*& slot = bound[static_cast<size_t>(found - names.begin())];
    if (slot != nullptr) fail(fmt::format("{}() got multiple values for argument '{}'", builtin.name, name));
    slot = &value;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (required[i] && bound[i] == nullptr) {
      fail(fmt::format("{}() is missing the argument '{}'", builtin.name, names[i]));
    }
  }
  return bound;
}

}  // namespace

int64_t Invocation::integer(size_t index, int64_t fallback) const {
  if (!given(index)) return fallback;
  if (bound[index]->is_undefined()) fail_undefined(*bound[index]);
  if (!bound[index]->is_integer()) {
    fail(
        fmt::format("{}(): '{}' object cannot be interpreted as an integer", name, type_name(*bound[index])));
  }
  return bound[index]->integer();
}

std::string_view Invocation::text(size_t index, std::string_view fallback) const {
  if (!given(index)) return fallback;
  if (bound[index]->is_undefined()) fail_undefined(*bound[index]);
  if (!bound[index]->is_string())
    fail(fmt::format("{}(): expected str, got '{}'", name, type_name(*bound[index])));
  return bound[index]->text();
}

bool Invocation::flag(size_t index, bool fallback) const {
  return given(index) ? truth(*bound[index]) : fallback;
}

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) {
  const auto row =
      std::find_if(table.begin(), table.end(), [name](const Builtin& entry) { return entry.name == name; });
  return row == table.end() ? nullptr : &*row;
}

Value invoke(const Builtin& builtin, Evaluator& evaluator, const Value& input, Arguments& arguments) {
  Invocation call{evaluator, evaluator.limits(), builtin.name, input, arguments, {}};
  if (builtin.parameters != "*") call.bound = bind(builtin, arguments);
  return builtin.function(call);
}

}  // namespace sizeup::jinja
