// Methods and other attributes of values: "text".upper, mapping.items, loop.index, namespace.name.
#pragma once

#include <optional>
#include <string>

#include "core/jinja/value.h"

namespace sizeup::jinja {

// What Python's getattr finds on the object under the sandbox's rules (a refused attribute is an undefined
// value); nullopt where it raises AttributeError. Throws for what Python has and we lack.
std::optional<Value> find_attribute(Evaluator& evaluator, const Value& object, const std::string& name);

}  // namespace sizeup::jinja
