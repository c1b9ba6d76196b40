// A score from completions with `echo`: which of the tokens that came back belong to the continuation.
#pragma once

#include "backends/openai/reply.h"
#include "backends/openai/request_body.h"
#include "backends/request.h"
#include "core/errors/result.h"

namespace sizeup {

// Fills the log-probability, the tokens' log-probabilities and counts, and whether the continuation is the
// greedy one (false where the server does not say). An error where the tokens are not those of the text, or
// one stands across the boundary. `whole`: the text is scored from its beginning, and its first token may be
// unconditioned.
Result<void> fill_score(const EchoedTokens& echo, const EndpointCall& call, bool whole, Response& response);

}  // namespace sizeup
