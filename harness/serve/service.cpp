#include "harness/serve/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <optional>
#include <random>
#include <span>

#include "core/io/sha256.h"
#include "harness/serve/text_stream.h"

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;

// How soon it is seen that a client has gone. A look costs a system call.
constexpr std::chrono::milliseconds kLook{100};

HttpReply error_reply(const ApiError& error) {
  HttpReply reply{.status = error.status, .body = api_error_body(error)};
  // A queue that is full has moved on by then, and a server that stops has another in its place, or never.
  if (error.status == 429 || error.status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (error.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

HttpReply stopping_reply() {
  return error_reply({.status = 503, .message = "the server is stopping"});
}

uint64_t random_number() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

// Requests in the order of prompts, each with its choices, which differ where tokens are drawn.
std::vector<Request> requests_of(const ApiRequest& api) {
  std::vector<Request> requests;
  const uint64_t seed = api.seeded ? api.ask.sampling.seed : random_number();
  for (const Prompt& prompt : api.prompts) {
    for (int choice = 0; choice < api.choices; ++choice) {
      Generate ask = api.ask;
      ask.prompt = prompt;
      ask.sampling.seed = seed;
      ask.sampling.stream = static_cast<uint64_t>(choice);
      requests.push_back({.ask = std::move(ask), .truncate = api.truncate});
    }
  }
  return requests;
}

}  // namespace

struct Service::Exchange {
  Exchange(Service& service, ApiRequest asked, const HttpCall& call)
      : unfinished(service.unfinished_),
        request(std::move(asked)),
        reply(service.model_, request, fmt::format("{:016x}", service.next_reply_++), std::time(nullptr)),
        answers(std::make_shared<Answers>(request.stream)),
        responses(request.prompts.size() * static_cast<size_t>(request.choices)),
        left(responses.size()),
        gone(call.gone) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  // Also where a connection breaks before its stream is asked for.
  ~Exchange() { answers->cancel(); }

  // What comes next, or nothing if the client has gone.
  std::vector<Answers::Event> wait() const {
    while (true) {
      std::vector<Answers::Event> events = answers->take(kLook);
      if (!events.empty() || (gone && gone())) return events;
    }
  }
  // Keeps a response; its error, if it is one.
  std::optional<ApiError> keep(Answers::Event& event) {
    if (event.response->error) return api_error_of(*event.response->error);
    const auto seconds = std::chrono::duration<double>(Clock::now() - arrival).count();
    const Timing& timing = event.response->timing;
    first_seconds = std::min(first_seconds, seconds - 1e-3 * (timing.total_ms - timing.ttft_ms));
    total_seconds = seconds;
    responses[event.request] = std::move(*event.response);
    --left;
    return std::nullopt;
  }

  Unfinished unfinished;
  Clock::time_point arrival = Clock::now();
  ApiRequest request;
  ApiReply reply;
  std::shared_ptr<Answers> answers;
  std::vector<Response> responses;
  size_t left;
  std::function<bool()> gone;
  std::vector<Answers::Event> early;  // what came before a stream began
  double first_seconds = std::numeric_limits<double>::infinity();
  double total_seconds = 0.0;
};

Service::Service(ServedModel model, RequestQueue& queue, std::string key)
    : model_(std::move(model)),
      queue_(queue),
      key_digest_(sha256(key)),
      has_key_(!key.empty()),
      next_reply_(random_number()) {}

HttpReply Service::answer(const HttpCall& call) {
  static constexpr std::array<std::string_view, 5> kRoutes = {"/v1/completions", "/v1/chat/completions",
                                                              "/v1/models", "/health", "/metrics"};
  HttpReply reply = route(call);
  const bool known = std::find(kRoutes.begin(), kRoutes.end(), call.path) != kRoutes.end();
  metrics_.add_reply(known ? call.path : "other", reply.status);
  return reply;
}

HttpReply Service::route(const HttpCall& call) {
  const bool get = call.method == "GET";
  // A balancer asks without a key.
  if (get && call.path == "/health") {
    return stopping_ ? stopping_reply() : HttpReply{.body = R"({"status":"ok"})"};
  }
  if (!allowed(call.authorization)) {
    return error_reply(
        {.status = 401, .message = "the API key is missing or wrong", .code = "invalid_api_key"});
  }
  if (get && call.path == "/metrics") {
    return {.type = "text/plain; version=0.0.4", .body = metrics_.text(queue_.load())};
  }
  if (get && call.path == "/v1/models") return {.body = models_body(model_)};
  if (get && call.path == "/v1/models/" + model_.name) return {.body = model_body(model_)};
  if (!get && call.path == "/v1/completions") return complete(ApiKind::completions, call);
  if (!get && call.path == "/v1/chat/completions") return complete(ApiKind::chat, call);
  return error_reply({.status = 404, .message = fmt::format("there is no {} {}", call.method, call.path)});
}

// Digests are compared to their end, so that the time says nothing of where they differ, nor of the key's
// length.
bool Service::allowed(std::string_view authorization) const {
  if (!has_key_) return true;
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return false;
  const auto given = sha256(authorization.substr(kScheme.size()));
  unsigned difference = 0;
  for (size_t i = 0; i < given.size(); ++i) difference |= given[i] ^ key_digest_[i];
  return difference == 0;
}

HttpReply Service::complete(ApiKind kind, const HttpCall& call) {
  auto parsed = parse_api_request(kind, call.body, model_.name);
  if (!parsed) return error_reply(parsed.error());
  const auto exchange = std::make_shared<Exchange>(*this, std::move(*parsed), call);
  if (stopping_) return stopping_reply();
  std::vector<Request> requests = requests_of(exchange->request);
  if (requests.size() > queue_.most()) {
    return error_reply({.status = 400,
                        .message = fmt::format("{} answers in one body: at most {} can wait here",
                                               requests.size(), queue_.most()),
                        .param = "n"});
  }
  switch (queue_.submit(std::move(requests), exchange->answers)) {
    case RequestQueue::Admission::admitted:
      break;
    case RequestQueue::Admission::closed:
      return stopping_reply();
    case RequestQueue::Admission::full:
      return error_reply({.status = 429, .message = "too many requests are waiting", .code = "queue_full"});
  }
  return exchange->request.stream ? streamed(exchange) : whole(*exchange);
}

// Nobody reads what is replied to a client that has gone; the status is for the metrics, as proxies call it.
HttpReply Service::gone_reply() {
  metrics_.add_cancelled();
  return error_reply({.status = 499, .message = "the client has gone"});
}

HttpReply Service::whole(Exchange& exchange) {
  while (exchange.left > 0) {
    std::vector<Answers::Event> events = exchange.wait();
    if (events.empty()) return gone_reply();
    for (Answers::Event& event : events) {
      if (auto error = exchange.keep(event)) return error_reply(*error);
    }
  }
  finish(exchange);
  return {.body = exchange.reply.whole(exchange.responses)};
}

// A stream begins with its first token, so that a request that fails has a status that says so.
HttpReply Service::streamed(const std::shared_ptr<Exchange>& exchange) {
  exchange->early = exchange->wait();
  if (exchange->early.empty()) return gone_reply();
  for (const Answers::Event& event : exchange->early) {
    if (event.response && event.response->error) return error_reply(api_error_of(*event.response->error));
  }
  return {.type = "text/event-stream",
          .headers = {{"Cache-Control", "no-cache"}},
          .stream = [this, exchange](const auto& write) { write_stream(*exchange, write); }};
}

void Service::write_stream(Exchange& exchange, const std::function<bool(std::string_view)>& write) {
  const ApiReply& reply = exchange.reply;
  std::vector<TextStream> texts(exchange.responses.size(),
                                TextStream(*model_.tokenizer, exchange.request.ask.stop));
  std::vector<bool> begun(texts.size(), false);
  const std::vector<Token>& ends = model_.tokenizer->special().end_of_generation;
  std::vector<Answers::Event> events = std::move(exchange.early);
  while (true) {
    std::string out;
    for (Answers::Event& event : events) {
      const size_t choice = event.request;
      if (!begun[choice]) out += reply.begin(choice);
      begun[choice] = true;
      if (!event.response) {
        if (std::find(ends.begin(), ends.end(), event.token) != ends.end()) continue;
        const std::string text = texts[choice].push(event.token);
        if (!text.empty()) out += reply.text(choice, text);
        continue;
      }
      if (const auto error = exchange.keep(event)) {
        write(out + "data: " + api_error_body(*error) + "\n\n");
        return;
      }
      const Response& response = exchange.responses[choice];
      const std::string rest = texts[choice].finish(response.text);
      if (!rest.empty()) out += reply.text(choice, rest);
      out += reply.end(choice, response);
    }
    if (exchange.left == 0) {
      finish(exchange);
      write(out + reply.usage(exchange.responses) + ApiReply::done());
      return;
    }
    if (!out.empty() && !write(out)) break;
    events = exchange.wait();
    if (events.empty()) break;
  }
  metrics_.add_cancelled();
}

void Service::finish(const Exchange& exchange) {
  int64_t prompt = 0;
  int64_t completion = 0;
  for (const Response& response : exchange.responses) {
    prompt += response.prompt_tokens;
    completion += response.completion_tokens;
  }
  metrics_.add_tokens(prompt, completion);
  metrics_.add_latency(exchange.first_seconds, exchange.total_seconds);
}

}  // namespace sizeup
