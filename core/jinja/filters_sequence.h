// Filters over lists, dicts and other iterables.
#pragma once

#include <span>

#include "core/jinja/builtins.h"

namespace sizeup::jinja {

std::span<const Builtin> sequence_filters();

}  // namespace sizeup::jinja
