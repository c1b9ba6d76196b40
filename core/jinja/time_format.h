// strftime for a time that is given, not read from the clock.
#pragma once

#include <string>
#include <string_view>

#include "core/jinja/limits.h"

namespace sizeup::jinja {

// now: ISO-8601 local time, "2026-01-15T09:30:00" (a fraction and an offset may follow, the date alone is
// midnight). format: Python's strftime in the C locale. Throws if `now` is no time.
std::string format_time(std::string_view now, std::string_view format, Limits& limits);

}  // namespace sizeup::jinja
