// Jinja2's tests that exist here: the table in tests.cpp lists them with their parameters.
#pragma once

#include <string_view>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

const Builtin* find_test(std::string_view name);
// Throws if there is none.
const Builtin& require_test(std::string_view name);

}  // namespace sizeup::jinja
