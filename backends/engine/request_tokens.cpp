#include "backends/engine/request_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "backends/engine/sampling.h"
#include "backends/engine/trailing_space.h"

namespace sizeup {
namespace {

constexpr std::string_view kNoPrefix = "the model has neither BOS nor EOS to condition an empty context on";

// All but the last token are read; the last `count` are predicted.
TokenRequest score_part(std::vector<Token> all, size_t count) {
  TokenRequest part;
  part.targets.assign(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  all.pop_back();
  part.first_target = static_cast<int>(all.size() - count);
  part.tokens = std::move(all);
  return part;
}

void expect_tokens(TokenisedRequest& result, std::vector<Token> tokens) {
  result.response.completion_tokens = static_cast<int>(tokens.size());
  result.response.token_logprobs.assign(tokens.size(), std::numeric_limits<float>::quiet_NaN());
  result.response.tokens = std::move(tokens);
  result.response.greedy = true;
}

bool within(const std::vector<Token>& tokens, int vocabulary) {
  return std::all_of(tokens.begin(), tokens.end(),
                     [&](Token token) { return token >= 0 && token < vocabulary; });
}

}  // namespace

// What the prompt renders and tokenises to; valid until the next call.
Result<const RequestTokeniser::Context*> RequestTokeniser::context_of(const Prompt& prompt,
                                                                      bool add_special) {
  if (context_ && context_->prompt == prompt && context_->add_special == add_special) return &*context_;
  auto rendered = text_.render(prompt);
  if (!rendered) return forward_error(rendered);
  const std::string_view kept =
      std::string_view(rendered->text).substr(0, length_without_trailing_space(rendered->text));
  std::vector<Token> tokens = text_.encode(kept, rendered->from_template, add_special);
  context_ = {.prompt = prompt,
              .add_special = add_special,
              .rendered = std::move(*rendered),
              .tokens = std::move(tokens)};
  return &*context_;
}

Result<RequestTokeniser::EncodedPair> RequestTokeniser::encode_pair(const ScoreContinuation& ask,
                                                                    bool add_special) {
  auto context = context_of(ask.context, add_special);
  if (!context) return forward_error(context);
  const RenderedPrompt& rendered = (*context)->rendered;
  const std::optional<Token> prefix = text_.prefix_token();
  EncodedPair pair;
  if (rendered.text.empty()) {
    if (!prefix) return bad_input("", std::string(kNoPrefix));
    pair.continuation = text_.encode(ask.continuation, rendered.from_template, add_special);
    // A tokenizer that adds BOS itself gives the context along with the continuation.
    if (!pair.continuation.empty() && pair.continuation.front() == *prefix) {
      pair.continuation.erase(pair.continuation.begin());
    }
    pair.context = {*prefix};
    return pair;
  }
  const std::vector<Token> whole =
      text_.encode(rendered.text + ask.continuation, rendered.from_template, add_special);
  pair.context = (*context)->tokens;
  const size_t cut = std::min(pair.context.size(), whole.size());
  pair.continuation.assign(whole.begin() + static_cast<std::ptrdiff_t>(cut), whole.end());
  if (pair.context.empty()) {
    if (!prefix) return bad_input("", std::string(kNoPrefix));
    pair.context = {*prefix};
  }
  return pair;
}

Result<TokenisedRequest> RequestTokeniser::tokenise_score(const ScoreContinuation& ask,
                                                          const Request& request) {
  auto pair = encode_pair(ask, request.add_special);
  if (!pair) return forward_error(pair);
  const size_t count = pair->continuation.size();
  const auto longest = static_cast<size_t>(limits_.context_length);
  if (count == 0) return bad_input("", "the continuation has no tokens");
  if (count > longest) {
    return bad_input("", fmt::format("the continuation has {} tokens", count),
                     fmt::format("at most the context length, {}", longest));
  }
  std::vector<Token> all = std::move(pair->context);
  all.insert(all.end(), pair->continuation.begin(), pair->continuation.end());
  TokenisedRequest result;
  if (all.size() > longest + 1) {  // the last token is predicted, not read
    if (request.truncate == Truncate::error) {
      return bad_input("", fmt::format("prompt and continuation have {} tokens", all.size()),
                       fmt::format("at most {}", longest + 1));
    }
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(longest + 1));
    result.response.truncated = true;
  }
  result.response.prompt_tokens = static_cast<int>(all.size() - count);
  expect_tokens(result, std::move(pair->continuation));
  result.parts.push_back(score_part(std::move(all), count));
  result.offsets.push_back(0);
  return result;
}

// Windows of context_length with one token of context, as get_rolling_token_windows and make_disjoint_window
// of lm-evaluation-harness cut them: the last window is moved left to be full, and scores only what is new.
Result<TokenisedRequest> RequestTokeniser::tokenise_text(const ScoreText& ask, const Request& request) const {
  const std::vector<Token> tokens = text_.encode(ask.text, false, request.add_special);
  const std::optional<Token> prefix = text_.prefix_token();
  const auto longest = static_cast<size_t>(limits_.context_length);
  TokenisedRequest result;
  expect_tokens(result, tokens);

  size_t predicted = std::min(longest, tokens.size());
  std::vector<Token> first(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(predicted));
  if (prefix) first.insert(first.begin(), *prefix);
  if (first.size() > 1) {
    result.offsets.push_back(prefix ? 0 : 1);
    const size_t count = first.size() - 1;
    result.parts.push_back(score_part(std::move(first), count));
  }
  while (predicted < tokens.size()) {
    const size_t count = std::min(longest, tokens.size() - predicted);
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(predicted + count);
    result.offsets.push_back(static_cast<int>(predicted));
    result.parts.push_back(score_part({end - static_cast<std::ptrdiff_t>(longest + 1), end}, count));
    predicted += count;
  }
  return result;
}

// Never empty.
Result<std::vector<Token>> RequestTokeniser::prompt_tokens(const Prompt& prompt, bool add_special) const {
  std::vector<Token> tokens;
  if (const auto* ids = std::get_if<TokenIds>(&prompt)) {
    tokens = *ids;
  } else {
    auto rendered = text_.render(prompt);
    if (!rendered) return forward_error(rendered);
    tokens = text_.encode(rendered->text, rendered->from_template, add_special);
  }
  if (tokens.empty()) {
    const std::optional<Token> prefix = text_.prefix_token();
    if (!prefix) return bad_input("", std::string(kNoPrefix));
    tokens.push_back(*prefix);
  }
  return tokens;
}

Result<TokenisedRequest> RequestTokeniser::tokenise_generation(const Generate& ask,
                                                               const Request& request) const {
  auto prompt = prompt_tokens(ask.prompt, request.add_special);
  if (!prompt) return forward_error(prompt);
  std::vector<Token> tokens = std::move(*prompt);
  TokenisedRequest result;
  // A token more where nothing follows the prompt: its last one is predicted, not read.
  const int answer = request.truncate == Truncate::answer ? std::min(ask.max_tokens, 1) : ask.max_tokens;
  const int least = request.truncate == Truncate::left ? 1 : 0;
  const auto longest = static_cast<size_t>(answer > 0 ? std::max(least, limits_.context_length - answer)
                                                      : limits_.context_length + 1);
  if (tokens.size() > longest && (ask.max_tokens > 0 || ask.score_prompt)) {
    if (request.truncate != Truncate::left) {
      return bad_input("", fmt::format("the prompt has {} tokens", tokens.size()),
                       fmt::format("at most {}, so that the answer fits the context too", longest));
    }
    tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(longest));
    result.response.truncated = true;
  }
  result.response.prompt_tokens = static_cast<int>(tokens.size());
  if (ask.score_prompt) {
    expect_tokens(result, tokens);
    if (ask.top_logprobs > 0) result.response.top.resize(tokens.size());
    if (tokens.size() > 1) {
      result.parts.push_back(score_part(tokens, tokens.size() - 1));
      result.parts.back().top_count = wanted_top(ask);
      result.offsets.push_back(1);
    }
  }
  result.response.completion_tokens = 0;
  if (ask.max_tokens <= 0) {
    result.response.finish = FinishReason::length;
    return result;
  }
  const int room = limits_.context_length - static_cast<int>(tokens.size());
  const bool samples = ask.sampling.temperature > 0.0;
  const bool top = samples && top_is_enough(ask.sampling);
  result.parts.push_back(
      {.tokens = std::move(tokens),
       .targets = {},
       .first_target = 0,
       .max_new_tokens = std::max(1, std::min(ask.max_tokens, room)),
       .top_count = std::max(top ? std::min(ask.sampling.top_k, limits_.vocabulary) : 0, wanted_top(ask)),
       .distribution = samples && !top,
       .greedy = !samples});
  result.offsets.push_back(0);
  return result;
}

// The single most probable token is found at every row that is asked anything.
int RequestTokeniser::wanted_top(const Generate& ask) const {
  return ask.top_logprobs > 1 ? std::min({ask.top_logprobs, kMostTop, limits_.vocabulary}) : 0;
}

Result<TokenisedRequest> RequestTokeniser::tokenise_ask(const Request& request) {
  if (const auto* score = std::get_if<ScoreContinuation>(&request.ask))
    return tokenise_score(*score, request);
  if (const auto* whole = std::get_if<ScoreText>(&request.ask)) return tokenise_text(*whole, request);
  return tokenise_generation(std::get<Generate>(request.ask), request);
}

Result<TokenisedRequest> RequestTokeniser::tokenise(const Request& request) {
  auto result = tokenise_ask(request);
  if (!result) return result;
  result->response.id = request.id;
  for (const TokenRequest& part : result->parts) {
    // A tokenizer may know tokens that the embedding table lacks.
    if (!within(part.tokens, limits_.vocabulary) || !within(part.targets, limits_.vocabulary)) {
      return bad_input("", "the text has a token that the model has no embedding for",
                       fmt::format("token ids below {}", limits_.vocabulary));
    }
  }
  return result;
}

}  // namespace sizeup
