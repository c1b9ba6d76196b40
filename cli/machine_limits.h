// How the program shows what a machine can do at most.
#pragma once

#include <string>
#include <vector>

#include "backends/engine/machine_limits.h"
#include "core/json/json_fwd.h"

namespace sizeup::cli {

// [{"what", "tier", "dtype", "threads", "unit", "median", "least", "most", "repetitions"}, ...]
Json limits_to_json(const MachineLimits& limits);

// The same as a table, with a word on what is missing.
std::string limits_to_text(const Json& limits);

// One thread, and all that the process may use.
std::vector<int> usual_thread_counts();

}  // namespace sizeup::cli
