// Filters that make text from text.
#pragma once

#include <span>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

std::span<const Builtin> text_filters();

}  // namespace sizeup::jinja
