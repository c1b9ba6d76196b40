// Methods of Python's str that fill a text up to a width: center, ljust, rjust, zfill, expandtabs.
#pragma once

#include <span>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

std::span<const Builtin> string_layout_methods();

}  // namespace sizeup::jinja
