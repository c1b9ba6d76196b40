// What an endpoint sends back, read as it comes: one JSON object, or a stream of events with its pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/openai/sse_parser.h"
#include "backends/request.h"
#include "core/json/json_fwd.h"

namespace sizeup {

// Of a scored text: completions with `echo`.
struct EchoedTokens {
  std::vector<std::string> texts;
  std::vector<int64_t> offsets;      // of each token in the text, in code points
  std::vector<float> logprobs;       // NaN: none
  std::vector<float> best_logprobs;  // of the most probable token there; NaN: not said
};

struct EndpointAnswer {
  std::string text;
  std::optional<FinishReason> finish;
  std::vector<float> token_logprobs;   // of a written answer
  std::vector<TextLogprob> first_top;  // its most probable first tokens, where the server gives them
  EchoedTokens echo;
  std::optional<int> prompt_tokens, completion_tokens, cached_prompt_tokens, reasoning_tokens;
  std::string system_fingerprint;
  int pieces = 0;         // of the text; 1 if it came whole
  bool thinks = false;    // text came that is not of the answer (reasoning_content)
  bool streamed = false;  // as events
};

struct ReplyFailure {
  std::string message;
  bool may_pass = false;  // another try may succeed
};

// What is taken of one answer at most.
struct ReplyLimits {
  size_t body_bytes = size_t{64} << 20;  // the echo of 100,000 tokens with log-probabilities takes 20 MB
  size_t text_bytes = size_t{16} << 20;
};

class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits);

  // Of an answer with a 2xx status. False: there is no point in reading on, see failure().
  bool take(std::string_view content_type, std::string_view bytes);
  // After the last byte; `whole`: the connection says that there are no more. False if what came is no
  // answer.
  bool finish(bool whole);

  // The answer is there, although the connection may still be open.
  bool complete() const { return done_; }
  const EndpointAnswer& answer() const { return answer_; }
  EndpointAnswer& answer() { return answer_; }
  const ReplyFailure& failure() const { return failure_; }

 private:
  enum class Form { unknown, json, events, other };

  bool take_event(std::string_view data);
  bool take_json(std::string_view text);
  bool take_choice(const Json& choice);
  bool take_text(const Json& choice);
  void take_logprobs(const Json& choice);
  void take_first_top(const Json& candidates);
  void take_usage(const Json& usage);
  bool fail(std::string message, bool may_pass);

  ReplyLimits limits_;
  Form form_ = Form::unknown;
  size_t bytes_ = 0;
  std::string body_;
  SseParser events_;
  bool done_ = false;
  EndpointAnswer answer_;
  ReplyFailure failure_;
};

// What a body with an error says: OpenAI's {"error": {"message"}}, or what other servers write; the body
// itself if it is none of these.
std::string error_message(const std::string& body);

}  // namespace sizeup
