#include "backends/engine/engine_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "backends/engine/answer_text.h"
#include "backends/engine/sampling.h"
#include "core/text/utf8.h"
#include "core/threads/thread_pool.h"

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;

// Keys and values of a few thousand positions of a small model. More lets more long answers run at once.
constexpr int64_t kDefaultBudgetBytes = int64_t{1} << 30;

// Tokenised by one thread in a row: much more work than starting a thread, and the choices of a question
// mostly stay together.
constexpr size_t kTokeniserRequests = 64;

// Tokens say it all: the prompts of a large run need not be kept as text too.
void forget_text(Request& request) {
  if (auto* score = std::get_if<ScoreContinuation>(&request.ask)) *score = ScoreContinuation();
  if (auto* whole = std::get_if<ScoreText>(&request.ask)) *whole = ScoreText();
  if (auto* generate = std::get_if<Generate>(&request.ask)) generate->prompt = Prompt();
}

Error cancelled_error() {
  return {.kind = ErrorKind::interrupted, .place = {}, .message = "cancelled", .expected = {}, .hint = {}};
}

// As many as were asked for.
std::vector<TokenLogprob> most_probable(const NextToken& place, const Generate& ask) {
  if (ask.top_logprobs == 1) return {{place.best, place.best_logprob}};
  std::vector<TokenLogprob> top;
  for (const TopToken& one :
       place.top.first(std::min(place.top.size(), static_cast<size_t>(ask.top_logprobs)))) {
    top.push_back({one.token, one.logprob});
  }
  return top;
}

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

PlanLimits plan_limits(const RunOptions& options, const DecoderSpec& spec, const DeviceTraits& device) {
  int64_t budget = kDefaultBudgetBytes;
  if (device.page_memory > 0) budget = std::min(budget, device.page_memory);
  if (options.kv_budget_bytes > 0) budget = options.kv_budget_bytes;
  constexpr int64_t kMostPages = int64_t{1} << 24;  // positions still fit 32 bits
  return {.max_rows = options.max_batch_rows > 0 ? options.max_batch_rows : device.preferred_rows,
          .pages = static_cast<int>(std::clamp<int64_t>(budget / device.page_bytes, 1, kMostPages)),
          .share_prefixes = options.share_prefixes,
          .weight_rows = options.draft ? device.weight_rows : 0,
          .state_pages = state_pages(device),
          .earlier_tokens = spec.earlier_tokens};
}

// Positions whose keys and values fit the device's memory beside the states of a request, see Plan::add.
int64_t positions_that_fit(const DeviceTraits& device) {
  if (device.page_memory == 0) return std::numeric_limits<int64_t>::max();
  const int64_t pages = device.page_memory / device.page_bytes - 2 * int64_t{state_pages(device)};
  return std::max<int64_t>(0, pages) * kPagePositions;
}

// What a request needs at most, if memory is too small for it.
std::optional<Error> too_long(const TokenRequest& part, const DeviceTraits& device) {
  const auto positions = static_cast<int64_t>(part.tokens.size()) + std::max(0, part.max_new_tokens - 1);
  const int64_t fits = positions_that_fit(device);
  // One page more: see Plan::add.
  if (positions + kPagePositions <= fits) return std::nullopt;
  return Error{
      .kind = ErrorKind::unavailable,
      .place = device.name,
      .message = fmt::format("keys and values of {} positions need {:.2f} GB", positions,
                             static_cast<double>(pages_for(static_cast<int>(positions)) * device.page_bytes +
                                                 2 * device.state_bytes) *
                                 1e-9),
      .expected = fmt::format("a context of at most {} tokens with the memory that is free",
                              std::max<int64_t>(0, fits - kPagePositions)),
      .hint = "free memory, or shorten the prompt or the answer"};
}

}  // namespace

EngineRun::EngineRun(Decoder& decoder, const TextModel& text, ResponseSink& sink, const RunOptions& options,
                     std::stop_token stop)
    : decoder_(decoder),
      device_(decoder.device().traits()),
      text_(text),
      sink_(sink),
      threads_(options.threads > 0 ? options.threads : ThreadPool::available_processors()),
      max_concurrent_(options.max_concurrent),
      stop_(std::move(stop)),
      plan_(plan_limits(options, decoder.spec(), device_)) {
  decoder_.device().set_threads(threads_);
}

RunCounts EngineRun::answer(RequestSource& source) {
  if (max_concurrent_ > 0) {
    answer_some(source);
  } else {
    answer_all(source);
  }
  counts_.tokens_unique = plan_.counts().rows_unique;
  counts_.tokens_computed = plan_.counts().rows_computed;
  counts_.tokens_recomputed = plan_.counts().rows_recomputed;
  counts_.tokens_generated = plan_.counts().tokens_generated;
  counts_.tokens_drafted = plan_.counts().rows_drafted;
  counts_.tokens_accepted = plan_.counts().rows_accepted;
  return counts_;
}

// Everything is known before planning begins, which is what makes sharing possible.
void EngineRun::answer_all(RequestSource& source) {
  std::vector<TakenRequest> taken;
  while (!stop_.stop_requested()) {
    std::optional<Request> request = source.next();
    if (!request) break;
    taken.push_back({std::move(*request), Clock::now()});
  }
  start(std::move(taken));
  while (!plan_.idle() && !stop_.stop_requested()) compute_step();
}

// A limited number in flight: each joins between two steps.
void EngineRun::answer_some(RequestSource& source) {
  RequestFeed feed(source, max_concurrent_, stop_);
  while (!stop_.stop_requested()) {
    std::vector<TakenRequest> taken = feed.take(plan_.idle());
    if (taken.empty() && plan_.idle()) return;
    start(std::move(taken));
    if (!plan_.idle()) compute_step();
    feed.finished(std::exchange(responded_, 0));
  }
}

void EngineRun::start(std::vector<TakenRequest> taken) {
  std::vector<Result<TokenisedRequest>> tokenised = tokenise(taken);
  if (stop_.stop_requested()) return;
  std::vector<TokenRequest> planned;
  std::vector<Part> parts;
  for (size_t i = 0; i < taken.size(); ++i) {
    begin(std::move(taken[i]), std::move(tokenised[i]), planned, parts);
  }
  if (planned.empty()) return;
  int64_t number = plan_.add(std::move(planned));
  for (const Part& part : parts) parts_.emplace(number++, part);
}

// In order; takes the texts away. After a stop the rest is left out.
std::vector<Result<TokenisedRequest>> EngineRun::tokenise(std::vector<TakenRequest>& taken) const {
  const DecoderLimits limits{.context_length = decoder_.spec().context_length,
                             .vocabulary = decoder_.spec().vocabulary};
  std::vector<Result<TokenisedRequest>> results(taken.size());
  const size_t tasks = (taken.size() + kTokeniserRequests - 1) / kTokeniserRequests;
  ThreadPool pool(std::clamp(static_cast<int>(tasks), 1, threads_));
  pool.parallel_for(tasks, [&](size_t task) {
    RequestTokeniser tokeniser(text_, limits);
    const size_t end = std::min((task + 1) * kTokeniserRequests, taken.size());
    for (size_t i = task * kTokeniserRequests; i < end && !stop_.stop_requested(); ++i) {
      results[i] = tokeniser.tokenise(taken[i].request);
      forget_text(taken[i].request);
    }
  });
  return results;
}

void EngineRun::begin(TakenRequest taken, Result<TokenisedRequest> tokenised,
                      std::vector<TokenRequest>& planned, std::vector<Part>& parts) {
  std::optional<Error> error;
  if (taken.request.cancelled.stop_requested()) {
    error = cancelled_error();
  } else if (tokenised) {
    for (const TokenRequest& part : tokenised->parts) {
      if (!error) error = too_long(part, device_);
    }
  } else {
    error = std::move(tokenised.error());
  }
  Active active{.request = std::move(taken.request), .start = taken.at, .response = {}};
  if (error) {
    active.response.id = active.request.id;
    active.response.error = std::move(error);
    respond(active);
    return;
  }
  active.response = std::move(tokenised->response);
  if (tokenised->parts.empty()) {
    active.first_scored = active.response.tokens.size();
    respond(active);
    return;
  }
  active.parts_left = tokenised->parts.size();
  if (std::holds_alternative<Generate>(active.request.ask))
    active.answer_begin = active.response.tokens.size();
  active.first_scored = static_cast<size_t>(tokenised->offsets.front());
  for (size_t i = 0; i < tokenised->parts.size(); ++i) {
    TokenRequest& part = tokenised->parts[i];
    // A scored part's last token is predicted and not among its rows.
    counts_.tokens_asked += static_cast<int64_t>(part.tokens.size()) + (part.targets.empty() ? 0 : 1);
    parts.push_back({.active = next_active_, .offset = tokenised->offsets[i]});
    planned.push_back(std::move(part));
  }
  active_.emplace(next_active_++, std::move(active));
}

void EngineRun::compute_step() {
  const Step& step = plan_.next_step();
  decoder_.run(step, result_);
  plan_.finish_step(result_, *this);
}

void EngineRun::on_target(int64_t request, int index, float logprob, bool best, const NextToken& place) {
  const Part part = parts_.at(request);
  Active& active = active_.at(part.active);
  Response& response = active.response;
  const auto at = static_cast<size_t>(part.offset + index);
  response.token_logprobs[at] = logprob;
  response.greedy = response.greedy && best;
  if (!response.top.empty()) response.top[at] = most_probable(place, std::get<Generate>(active.request.ask));
}

std::optional<Token> EngineRun::on_next(int64_t request, const NextToken& next) {
  Active& active = active_.at(parts_.at(request).active);
  Response& response = active.response;
  if (active.request.cancelled.stop_requested()) {
    response.error = cancelled_error();
    return std::nullopt;
  }
  choose(active, next);
  const double elapsed = milliseconds_since(active.start);
  if (response.tokens.size() == active.answer_begin + 1) active.first_ms = elapsed;
  sink_.on_token(response.id, response.tokens.back(), elapsed);
  if (answer_is_complete(active)) return std::nullopt;
  return response.tokens.back();
}

// The answer's next token.
void EngineRun::choose(Active& active, const NextToken& next) const {
  Response& response = active.response;
  Token token = next.best;
  float logprob = next.best_logprob;
  const auto& ask = std::get<Generate>(active.request.ask);
  const Sampling& sampling = ask.sampling;
  if (sampling.temperature > 0.0) {
    const size_t position = response.tokens.size() - active.answer_begin;
    if (top_is_enough(sampling)) {
      const size_t count = std::min(next.top.size(), static_cast<size_t>(sampling.top_k));
      const TopToken chosen = sample(next.top.first(count), sampling, position);
      token = chosen.token;
      logprob = chosen.logprob;
    } else {
      token = sample(next.distribution, sampling, position);
      logprob = next.distribution[static_cast<size_t>(token)];
    }
  }
  response.tokens.push_back(token);
  response.token_logprobs.push_back(logprob);
  if (ask.top_logprobs > 0) response.top.push_back(most_probable(next, ask));
}

bool EngineRun::answer_is_complete(Active& active) const {
  Response& response = active.response;
  const auto& ask = std::get<Generate>(active.request.ask);
  const bool ended =
      (!ask.ignore_end && text_.ends_generation(response.tokens.back())) ||
      (!ask.stop.empty() && contains_stop(text_.tokenizer().decode(active.answer(), true), ask.stop));
  if (ended) response.finish = FinishReason::stop;
  return ended;
}

void EngineRun::on_done(int64_t request) {
  const auto part = parts_.find(request);
  const auto found = active_.find(part->second.active);
  parts_.erase(part);
  Active& active = found->second;
  if (--active.parts_left > 0) return;
  if (std::holds_alternative<Generate>(active.request.ask)) finish_answer(active);
  respond(active);
  active_.erase(found);
}

void EngineRun::finish_answer(Active& active) const {
  Response& response = active.response;
  if (response.finish == FinishReason::none) response.finish = FinishReason::length;
  std::span<const Token> tokens = active.answer();
  // The token that ends an answer may be spelled in the vocabulary as plain text.
  if (!tokens.empty() && text_.ends_generation(tokens.back())) tokens = tokens.first(tokens.size() - 1);
  const std::string text = text_.tokenizer().decode(tokens, true);
  response.text = replace_invalid_utf8(before_stops(text, std::get<Generate>(active.request.ask).stop));
  response.completion_tokens = static_cast<int>(active.answer().size());
}

void EngineRun::respond(Active& active) {
  Response& response = active.response;
  if (!std::holds_alternative<Generate>(active.request.ask)) {
    for (size_t i = active.first_scored; i < response.token_logprobs.size(); ++i) {
      response.logprob += static_cast<double>(response.token_logprobs[i]);
    }
    if (std::isnan(response.logprob)) {
      response.error = Error{.kind = ErrorKind::bad_input,
                             .place = {},
                             .message = "the model's log-probability is not a number",
                             .expected = {},
                             .hint = "its weights may be damaged"};
    }
  }
  response.timing.total_ms = milliseconds_since(active.start);
  response.timing.ttft_ms = active.first_ms > 0.0 ? active.first_ms : response.timing.total_ms;
  ++responded_;
  sink_.on_response(std::move(response));
}

}  // namespace sizeup
