// What is sent to an endpoint for one request.
#pragma once

#include <cstddef>
#include <string>

#include "backends/openai/endpoint_options.h"
#include "backends/request.h"
#include "core/errors/result.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// What a server understands, as the probe found it or the options say.
struct Dialect {
  bool chat = false;                   // chat completions
  bool completions = false;            // completions
  bool scores = false;                 // completions with echo and log-probabilities
  bool scores_one_token = false;       // it refuses max_tokens 0
  bool max_completion_tokens = false;  // chat: instead of max_tokens
  bool stream = true;
  bool logprobs = false;      // ask for those of written answers
  int chat_top_logprobs = 0;  // so many most probable tokens it gives at most, with them
  ResponseFormat response_format = ResponseFormat::none;
};

struct EndpointCall {
  const char* path = "";  // behind the base URL
  std::string body;       // JSON
  // Scoring: the text and the code point in it where the scored part begins.
  std::string scored;
  size_t boundary = 0;
  bool chat = false;
  bool scores = false;
  bool streamed = false;
  int added_tokens = 0;  // scoring: that the server had to write besides
};

// Plain texts go to completions where there are any, else as a message of the user. An error if the server
// cannot do what is asked.
Result<EndpointCall> call_of(const Request& request, const std::string& model, const Dialect& dialect);

// The member `response_format` for an answer with this schema, in JSON; not for ResponseFormat::none.
Json response_format_of(ResponseFormat format, const std::string& schema);

// The prompt as it is sent: the text, or the conversation as JSON.
Result<std::string> sent_prompt(const Prompt& prompt, const std::string& model, const Dialect& dialect);

// What one request may cost in tokens, before it is known: for the budget by the minute.
double guessed_tokens(const Request& request);

// Most probable tokens of each place: OpenAI's completions give no more.
constexpr int kMostCompletionTop = 5;

// OpenAI takes so many stop strings; the answer is cut at all of them here.
constexpr size_t kMostStops = 4;

}  // namespace sizeup
