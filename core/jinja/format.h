// Python's printf-style formatting: "%s of %d" % (a, b).
#pragma once

#include "core/jinja/value.h"

namespace sizeup::jinja {

// format % values, where values is one value, a tuple, or a dict for "%(name)s".
Value percent_format(const Value& format, const Value& values, Evaluator& evaluator);

}  // namespace sizeup::jinja
