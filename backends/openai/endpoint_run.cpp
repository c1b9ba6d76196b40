#include "backends/openai/endpoint_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "backends/openai/echo_score.h"
#include "backends/openai/probe.h"
#include "backends/openai/retry.h"
#include "core/random/counter_random.h"

namespace sizeup {
namespace {

constexpr size_t kMaxErrorBody = 64 << 10;
// No token of any vocabulary in use is longer than some hundred bytes: a text beyond this has no end.
constexpr size_t kMostBytesPerToken = 1024;
constexpr size_t kTextAllowance = 64 << 10;
constexpr uint64_t kJitterStream = 0x6a6974746572;  // "jitter"

bool is_success(int status) {
  return status >= 200 && status < 300;
}

ReplyLimits limits_of(const Request& request) {
  ReplyLimits limits;
  if (const auto* ask = std::get_if<Generate>(&request.ask)) {
    const auto tokens = static_cast<size_t>(std::max(ask->max_tokens, 0));
    limits.text_bytes = std::min(limits.text_bytes, tokens * kMostBytesPerToken + kTextAllowance);
  }
  return limits;
}

// Before the first of the stop strings.
void cut(std::string& text, const std::vector<std::string>& stops) {
  size_t end = text.size();
  for (const std::string& stop : stops) end = std::min(end, text.find(stop));
  text.resize(end);
}

}  // namespace

EndpointRun::EndpointRun(const EndpointOptions& options, const Dialect& dialect,
                         const std::string& system_fingerprint, ResponseSink& sink,
                         const RunOptions& run_options, std::stop_token stop)
    : options_(options),
      dialect_(dialect),
      sink_(sink),
      most_(run_options.max_concurrent),
      stop_(std::move(stop)),
      transfers_(transfer_settings(options), *this),
      addresses_(options.base_urls.size()),
      concurrency_(options.concurrency, Clock::now()),
      requests_budget_(options.requests_per_minute, Clock::now()),
      tokens_budget_(options.tokens_per_minute, Clock::now()),
      observations_(system_fingerprint) {}

Result<RunCounts> EndpointRun::answer(RequestSource& source) {
  const std::stop_callback wake(stop_, [this] { transfers_.wake(); });
  RequestFeed feed(source, most_ > 0 ? most_ : std::numeric_limits<int>::max(), stop_,
                   [this] { transfers_.wake(); });
  while (!stop_.stop_requested() && !broken_) {
    const bool exhausted = feed.exhausted();
    take_new(feed);
    start_some();
    if (exhausted && active_ == 0 && waiting_.empty() && delayed_.empty()) break;
    feed.finished(std::exchange(responded_, 0));
    transfers_.wait(next_event());
    give_up_slow_ones();
  }
  if (broken_) return tl::unexpected<Error>(*broken_);
  counts_.notes = observations_.sentences(highest_active_);
  return counts_;
}

void EndpointRun::take_new(RequestFeed& feed) {
  for (TakenRequest& taken : feed.take(false)) {
    auto asked = std::make_unique<Asked>();
    asked->tokens = guessed_tokens(taken.request);
    asked->taken = std::move(taken);
    waiting_.push_back(std::move(asked));
  }
}

// Repetitions first: they have waited longer.
std::unique_ptr<EndpointRun::Asked> EndpointRun::next_due(Clock::time_point now) {
  std::unique_ptr<Asked> next;
  if (!delayed_.empty() && delayed_.begin()->first <= now) {
    next = std::move(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
  } else if (!waiting_.empty()) {
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  return next;
}

EndpointRun::Clock::time_point EndpointRun::allowed_at(const Asked& asked, Clock::time_point now) const {
  return std::max(requests_budget_.ready_at(1.0, now), tokens_budget_.ready_at(asked.tokens, now));
}

void EndpointRun::start_some() {
  const auto now = Clock::now();
  if (blocked_until_ > now) return;
  while (active_ < concurrency_.now() && (most_ == 0 || active_ < most_)) {
    std::unique_ptr<Asked> asked = next_due(now);
    if (asked == nullptr) return;
    blocked_until_ = allowed_at(*asked, now);
    std::optional<size_t> address;
    if (blocked_until_ <= now) {
      address = addresses_.choose(now);
      if (!address) blocked_until_ = addresses_.next_at();
    }
    if (!address) {
      waiting_.push_front(std::move(asked));
      return;
    }
    start(std::move(asked), *address, now);
  }
}

void EndpointRun::start(std::unique_ptr<Asked> asked, size_t address, Clock::time_point now) {
  const Request& request = asked->taken.request;
  Result<EndpointCall> call = call_of(request, options_.model, dialect_);
  if (!call) {
    addresses_.released(address);
    respond_failed(*asked, call.error());
    return;
  }
  requests_budget_.use(1.0, now);
  tokens_budget_.use(asked->tokens, now);
  if (asked->attempts++ == 0) asked->since = now;
  const int transfer =
      transfers_.start(options_.base_urls[address] + call->path, std::exchange(call->body, {}));
  if (attempts_.size() <= static_cast<size_t>(transfer)) attempts_.resize(static_cast<size_t>(transfer) + 1);
  attempts_[static_cast<size_t>(transfer)] = std::make_unique<Attempt>(
      Attempt{std::move(*asked), std::move(*call), address, ++serial_, ReplyReader(limits_of(request)), {}});
  // Otherwise the first token comes with the last one.
  if (attempts_[static_cast<size_t>(transfer)]->call.streamed)
    first_tokens_.push_back({now + options_.first_token_limit, transfer, serial_});
  highest_active_ = std::max(highest_active_, ++active_);
}

EndpointRun::Clock::time_point EndpointRun::next_event() const {
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  const bool room = active_ < concurrency_.now() && (most_ == 0 || active_ < most_);
  if (room && !waiting_.empty()) next = std::max(now, blocked_until_);
  if (room && !delayed_.empty()) next = std::min(next, std::max(delayed_.begin()->first, blocked_until_));
  if (!first_tokens_.empty()) next = std::min(next, first_tokens_.front().at);
  return next;
}

// A limit of its own: libcurl knows nothing of tokens.
void EndpointRun::give_up_slow_ones() {
  const auto now = Clock::now();
  while (!first_tokens_.empty()) {
    const auto [at, transfer, serial] = first_tokens_.front();
    std::unique_ptr<Attempt>& attempt = attempts_[static_cast<size_t>(transfer)];
    const bool waits = attempt != nullptr && attempt->serial == serial && attempt->first_ms < 0.0 &&
                       !attempt->reader.answer().thinks;
    if (waits && at > now) return;
    first_tokens_.pop_front();
    if (!waits) continue;
    transfers_.cancel(transfer);
    --active_;
    Attempt slow = std::move(*attempt);
    attempt.reset();
    const double seconds = std::chrono::duration<double>(options_.first_token_limit).count();
    Setback setback;
    setback.error =
        error_of(slow, fmt::format("no text within {} seconds", seconds), "first_token_timeout= allows more");
    setback.may_pass = setback.overload = true;
    set_back(std::move(slow), std::move(setback));
  }
}

bool EndpointRun::on_bytes(int transfer, int status, std::string_view content_type, std::string_view bytes) {
  Attempt& attempt = *attempts_[static_cast<size_t>(transfer)];
  if (!is_success(status)) {
    attempt.error_body.append(bytes);
    return attempt.error_body.size() <= kMaxErrorBody;
  }
  const int before = attempt.reader.answer().pieces;
  const bool goes_on = attempt.reader.take(content_type, bytes);
  const int after = attempt.reader.answer().pieces;
  if (after == before) return goes_on;
  attempt.last_ms = milliseconds_of(attempt.asked);
  if (attempt.first_ms < 0.0) attempt.first_ms = attempt.last_ms;
  for (int piece = before; piece < after; ++piece)
    sink_.on_token(attempt.asked.taken.request.id, kUnknownToken, attempt.last_ms);
  return goes_on;
}

void EndpointRun::on_end(int transfer, const TransferEnd& end) {
  --active_;
  const std::unique_ptr<Attempt> attempt = std::move(attempts_[static_cast<size_t>(transfer)]);
  end_attempt(std::move(*attempt), end);
}

void EndpointRun::end_attempt(Attempt attempt, const TransferEnd& end) {
  using Kind = TransferEnd::Kind;
  if (end.status != 0 && !is_success(end.status)) {
    on_status(std::move(attempt), end);
    return;
  }
  Setback setback;
  if (end.kind == Kind::refused) {
    const ReplyFailure& failure = attempt.reader.failure();
    setback.error = error_of(attempt, failure.message);
    setback.may_pass = failure.may_pass;
  } else if (end.status != 0 && attempt.reader.finish(end.kind == Kind::whole)) {
    succeed(std::move(attempt));
    return;
  } else if (end.kind == Kind::whole) {
    setback.error = error_of(attempt, attempt.reader.failure().message);
    setback.may_pass = attempt.reader.failure().may_pass;
  } else {
    setback.error = error_of(attempt, end.failure, end.kind == Kind::timed_out ? "timeout= allows more" : "");
    setback.may_pass = end.kind == Kind::broken;
    setback.overload = setback.may_pass;
    setback.unreachable = end.status == 0;
  }
  set_back(std::move(attempt), std::move(setback));
}

void EndpointRun::on_status(Attempt attempt, const TransferEnd& end) {
  const StatusMeaning meaning = meaning_of(end.status);
  Setback setback;
  setback.error = status_error(end.status, attempt.error_body,
                               options_.base_urls[attempt.address] + attempt.call.path, options_);
  if (meaning == StatusMeaning::refused) broken_ = setback.error;
  setback.overload = setback.asked_for_less = meaning == StatusMeaning::overload;
  setback.may_pass = setback.overload || meaning == StatusMeaning::passing;
  setback.retry_after = end.retry_after;
  set_back(std::move(attempt), std::move(setback));
}

void EndpointRun::succeed(Attempt attempt) {
  EndpointAnswer& answer = attempt.reader.answer();
  const Request& request = attempt.asked.taken.request;
  const auto now = Clock::now();
  Response response;
  response.id = request.id;
  if (attempt.call.scores) {
    const bool whole = std::holds_alternative<ScoreText>(request.ask);
    if (Result<void> filled = fill_score(answer.echo, attempt.call, whole, response); !filled) {
      Error error = error_of(attempt, filled.error().message, filled.error().hint);
      Setback setback;
      setback.error = std::move(error);
      set_back(std::move(attempt), std::move(setback));
      return;
    }
    observations_.on_score(answer);
  } else {
    const auto& asked = std::get<Generate>(request.ask);
    observations_.on_answer(answer, asked, dialect_, attempt.call.chat);
    response.text = std::move(answer.text);
    const size_t length = response.text.size();
    cut(response.text, asked.stop);
    response.finish =
        response.text.size() < length ? FinishReason::stop : answer.finish.value_or(FinishReason::stop);
    response.token_logprobs = std::move(answer.token_logprobs);
    if (asked.top_logprobs > 0) response.first_top = std::move(answer.first_top);
    response.prompt_tokens = answer.prompt_tokens.value_or(0);
    // A server that counts nothing sends a token at a time, if it streams.
    response.completion_tokens = answer.completion_tokens.value_or(answer.streamed ? answer.pieces : 0);
    counts_.tokens_generated += response.completion_tokens;
  }
  response.cached_prompt_tokens = answer.cached_prompt_tokens;
  response.reasoning_tokens = answer.reasoning_tokens;
  const double end_ms = milliseconds_of(attempt.asked);
  const bool streamed = answer.streamed && attempt.first_ms >= 0.0;
  response.timing = {streamed ? attempt.first_ms : end_ms, streamed ? attempt.last_ms : end_ms};
  const int used = response.prompt_tokens + response.completion_tokens;
  counts_.tokens_asked += response.prompt_tokens + (attempt.call.scores ? response.completion_tokens : 0);
  if (used > 0) tokens_budget_.correct(attempt.asked.tokens, used);
  addresses_.answered(attempt.address);
  concurrency_.answered(active_ + 1, now);
  last_answer_ = now;
  respond(std::move(response));
}

void EndpointRun::set_back(Attempt attempt, Setback setback) {
  const auto now = Clock::now();
  if (setback.overload) concurrency_.overloaded(now);
  if (setback.may_pass) setback.asked_for_less ? observations_.on_overload() : observations_.on_broken();
  setback.may_pass ? addresses_.failed(attempt.address, now) : addresses_.released(attempt.address);
  Asked& asked = attempt.asked;
  const bool too_long = setback.retry_after && *setback.retry_after > kLongestRetryAfter;
  if (too_long) setback.error.hint = fmt::format("it asks to wait {} seconds", setback.retry_after->count());
  if (!setback.may_pass || too_long || asked.attempts >= options_.attempts) {
    if (setback.may_pass && asked.attempts > 1)
      setback.error.message += fmt::format(" ({} attempts)", asked.attempts);
    // Nobody has answered anything since this request was first sent: the rest would fare no better.
    if (setback.unreachable && setback.may_pass && last_answer_ < asked.since) broken_ = setback.error;
    respond_failed(asked, std::move(setback.error));
    return;
  }
  if (setback.retry_after) addresses_.pause(attempt.address, now + *setback.retry_after);
  const double random = uniform(asked.taken.request.id, kJitterStream, static_cast<uint64_t>(asked.attempts));
  const auto pause = pause_after(asked.attempts, options_.first_pause, random);
  delayed_.emplace(now + pause, std::make_unique<Asked>(std::move(asked)));
}

void EndpointRun::respond_failed(Asked& asked, Error error) {
  Response response;
  response.id = asked.taken.request.id;
  response.error = std::move(error);
  respond(std::move(response));
}

void EndpointRun::respond(Response response) {
  ++responded_;
  sink_.on_response(std::move(response));
}

double EndpointRun::milliseconds_of(const Asked& asked) const {
  return std::chrono::duration<double, std::milli>(Clock::now() - asked.taken.at).count();
}

Error EndpointRun::error_of(const Attempt& attempt, const std::string& message,
                            const std::string& hint) const {
  return {ErrorKind::unavailable, options_.base_urls[attempt.address] + attempt.call.path,
          excerpt(message, options_), "", hint};
}

}  // namespace sizeup
