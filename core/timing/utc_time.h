// The wall clock as text.
#pragma once

#include <string>

namespace sizeup {

// ISO 8601 in UTC, to the second: "2026-11-26T00:21:03Z".
std::string utc_now();

}  // namespace sizeup
