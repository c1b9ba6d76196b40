// From a request's text to the token requests of the plan, cut and truncated as lm-evaluation-harness does
// it.
#pragma once

#include <optional>
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
  // id, tokens (of the continuation, the text or a scored prompt), prompt_tokens and truncated are filled in;
  // token_logprobs and, if asked for, top have their size, NaN and nothing where nothing is predicted.
  Response response;
  // One, or one for each window of a text, or that of a scored prompt and that of its answer; none where
  // nothing has to be computed.
  std::vector<TokenRequest> parts;
  // targets[i] of part p is response.tokens[offsets[p] + i].
  std::vector<int> offsets;
};

// Remembers the context tokenised last: the choices of a question come one after the other and share it, and
// long contexts are what tokenising costs. Not for several threads at once.
class RequestTokeniser {
 public:
  // `text` must outlive the tokeniser.
  RequestTokeniser(const TextModel& text, const DecoderLimits& limits) : text_(text), limits_(limits) {}

  // Errors concern this request only: an empty continuation, one longer than the context, a template's error.
  Result<TokenisedRequest> tokenise(const Request& request);

 private:
  struct Context {
    Prompt prompt;
    bool add_special = true;
    RenderedPrompt rendered;
    std::vector<Token> tokens;  // of the rendered text without its trailing space
  };
  struct EncodedPair {
    std::vector<Token> context;  // never empty
    std::vector<Token> continuation;
  };

  Result<const Context*> context_of(const Prompt& prompt, bool add_special);
  Result<EncodedPair> encode_pair(const ScoreContinuation& ask, bool add_special);
  Result<TokenisedRequest> tokenise_ask(const Request& request);
  Result<TokenisedRequest> tokenise_score(const ScoreContinuation& ask, const Request& request);
  Result<TokenisedRequest> tokenise_text(const ScoreText& ask, const Request& request) const;
  int wanted_top(const Generate& ask) const;
  Result<std::vector<Token>> prompt_tokens(const Prompt& prompt, bool add_special) const;
  Result<TokenisedRequest> tokenise_generation(const Generate& ask, const Request& request) const;

  const TextModel& text_;
  DecoderLimits limits_;
  std::optional<Context> context_;
};

}  // namespace sizeup
