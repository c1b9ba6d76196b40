// From a request's text to the token requests of the plan, cut and truncated as lm-evaluation-harness does
// it.
#pragma once

#include <vector>

#include "backends/engine/plan/token_request.h"
#include "backends/engine/text_model.h"
#include "backends/request.h"
#include "core/errors/result.h"

namespace sizeup {

struct DecoderLimits {
  int context_length = 0;
  int vocabulary = 0;
};

struct TokenisedRequest {
  // id, tokens (of the continuation or text), prompt_tokens and truncated are filled in; token_logprobs has
  // its size, NaN where nothing is predicted.
  Response response;
  // One, or one for each window of a text; none where nothing has to be computed.
  std::vector<TokenRequest> parts;
  // targets[i] of part p is response.tokens[offsets[p] + i].
  std::vector<int> offsets;
};

// Errors concern this request only: an empty continuation, one longer than the context, a template's error.
Result<TokenisedRequest> tokenise(const Request& request, const TextModel& text, const DecoderLimits& limits);

}  // namespace sizeup
