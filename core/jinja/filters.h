// Jinja2's filters that exist here: the table in filters.cpp lists them with their parameters.
#pragma once

#include <string_view>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

const Builtin* find_filter(std::string_view name);
// Throws if there is none, and says so when Jinja2 has it.
const Builtin& require_filter(std::string_view name);

}  // namespace sizeup::jinja
