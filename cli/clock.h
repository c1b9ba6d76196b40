// The current time as the store and templates see it.
#pragma once

#include <string>

namespace sizeup::cli {

std::string utc_now();  // "2026-11-21T14:03:59Z"

}  // namespace sizeup::cli
