// Methods of Python's str.
#pragma once

#include <span>
#include <string_view>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

std::span<const Builtin> string_methods();
std::span<const std::string_view> missing_string_methods();

}  // namespace sizeup::jinja
