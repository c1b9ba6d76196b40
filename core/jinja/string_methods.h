// Methods of Python's str.
#pragma once

#include <span>
#include <string_view>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

const Builtin* find_string_method(std::string_view name);  // null if there is none
std::span<const std::string_view> missing_string_methods();

}  // namespace sizeup::jinja
