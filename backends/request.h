// What is asked of a backend and what comes back. Plain values: no model, no task, no device in here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/errors/result.h"

namespace sizeup {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;

  bool operator==(const ChatMessage&) const = default;
};

// A plain text (tokenised as it stands, special tokens in it are text), or a conversation that the backend
// renders with the model's chat template (special tokens are parsed, the generation prompt is added). A last
// message of the assistant is continued: it is not closed, and no generation prompt follows. Or token ids as
// they stand, which only an answer can follow (Generate): clients of a server tokenise themselves.
using TokenIds = std::vector<int32_t>;
using Prompt = std::variant<std::string, std::vector<ChatMessage>, TokenIds>;

// log P(continuation | context), tokenised as lm-evaluation-harness does it: trailing spaces of the context
// move to the continuation, the joined text is tokenised whole and cut at the context's token count.
struct ScoreContinuation {
  Prompt context;
  std::string continuation;
};

// log P(text), conditioned on BOS (or EOS where there is no BOS); windows as lm-evaluation-harness cuts them.
struct ScoreText {
  std::string text;
};

// Greedy when temperature is 0. The filters apply in the order temperature, top_k, top_p, min_p.
struct Sampling {
  double temperature = 0.0;
  int top_k = 0;       // 0: all tokens
  double top_p = 1.0;  // keep the smallest set with at least this probability
  double min_p = 0.0;  // drop tokens below min_p times the most probable one
  uint64_t seed = 0;
  uint64_t stream = 0;  // tells documents and repeats apart under one seed (a hash of both)
};

struct Generate {
  Prompt prompt;
  int max_tokens = 256;
  std::vector<std::string> stop;  // cut before each of these, in this order; EOS always stops
  Sampling sampling;
  // The response's tokens begin with the prompt's own, each with its log-probability after those before it.
  bool score_prompt = false;
  int top_logprobs = 0;     // so many most probable tokens are wanted in each token's place, at most 64
  std::string schema = {};  // JSON Schema that the answer is held to; only where the card says takes_schema
  bool ignore_end =
      false;  // no token ends the answer, which gets max_tokens of them; an endpoint may not do it
};

// What to do when prompt and answer do not fit the context.
enum class Truncate {
  left,    // drop tokens from the left of the prompt; the response says truncated
  error,   // the request fails
  answer,  // the answer ends where the context does; the request fails if the prompt alone fills it
};

// Whose request this is: recorded answers are looked up by it, and routers go by it. No model sees it.
struct AskedFor {
  std::string task;
  std::string document;  // its id
  int64_t row = 0;       // of the document in its data file, from 0
  int answer = 0;        // which of several to one document
  // A router goes by these; whoever asks keeps them until the response is there.
  std::string_view document_hash = {};                         // of what is in the document
  const std::map<std::string, std::string>* slices = nullptr;  // field -> value
  std::string_view definition_hash = {};                       // of what the task is
  int answers = 1;  // so many requests to the document follow each other, and one decision is about all
};

struct Request {
  uint64_t id = 0;  // chosen by the caller, comes back in the response
  std::variant<ScoreContinuation, ScoreText, Generate> ask;
  Truncate truncate = Truncate::left;
  bool add_special = true;  // plain texts get BOS/EOS by the tokenizer's own rule; templates write their own
  AskedFor asked_for = {};
  // A stop ends the answer at its next token: the response is an error (interrupted). Scoring goes on.
  std::stop_token cancelled = {};
};

enum class FinishReason { stop, length, none };  // none: nothing was generated (scoring)

// Milliseconds on a monotonic clock. For offline batches only total_ms of the whole run means anything:
// these are latencies only when the scenario offered the load as stated.
struct Timing {
  double ttft_ms = 0.0;   // first token (or the score) - request submitted
  double total_ms = 0.0;  // last token - request submitted
};

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0.0F;

  bool operator==(const TokenLogprob&) const = default;
};

// The same from a server, which sends texts instead of ids.
struct TextLogprob {
  std::string text;
  float logprob = 0.0F;

  bool operator==(const TextLogprob&) const = default;
};

// What a router did with a request.
struct Routed {
  bool sent_on = false;        // to its large model
  std::optional<bool> fitted;  // its policy was made from this document, among others; nothing: unknown

  bool operator==(const Routed&) const = default;
};

struct Response {
  uint64_t id = 0;
  std::optional<Error> error;  // set: this one request failed, nothing else below is meaningful

  // Scoring: sum over the continuation's tokens of the natural log-probability; -infinity is possible.
  double logprob = 0.0;
  bool greedy = false;  // every continuation token was the most probable one
  // Generation: the text before the stop string, without special tokens.
  std::string text;
  FinishReason finish = FinishReason::none;

  // Of the continuation, the text, or (the prompt and) the answer; empty from endpoints.
  std::vector<int32_t> tokens;
  std::vector<float> token_logprobs;  // one for each of tokens; NaN for an unconditioned first token
  // For each of tokens, if asked for: the most probable ones, in order; none for an unconditioned first
  // token.
  std::vector<std::vector<TokenLogprob>> top;
  // From endpoints, if asked for: the most probable first tokens of the answer.
  std::vector<TextLogprob> first_top;
  int prompt_tokens = 0;
  int completion_tokens = 0;
  std::optional<int> cached_prompt_tokens;  // of prompt_tokens, where an endpoint says so
  std::optional<int> reasoning_tokens;      // of completion_tokens, likewise: they are not in the text
  bool truncated = false;
  std::optional<Routed> routed;  // from routers
  std::optional<double> cost;    // in the card's currency, where the source says what this answer cost
  Timing timing;                 // NaN: recorded without one
};

}  // namespace sizeup
