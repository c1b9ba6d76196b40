// Input lines of score and generate as requests.
#pragma once

#include "backends/request.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup::cli {

// {"context", "continuation"}, {"messages", "continuation"} or {"text"} (rolling).
Result<Request> score_request(const Json& line);

// {"prompt"} or {"messages"}; max_tokens, stop, temperature, top_p, top_k, min_p, seed.
Result<Request> generate_request(const Json& line);

}  // namespace sizeup::cli
