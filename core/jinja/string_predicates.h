// Methods of Python's str that ask what its characters are: isalpha, isdigit, istitle, ...
#pragma once

#include <span>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

std::span<const Builtin> string_predicates();

}  // namespace sizeup::jinja
