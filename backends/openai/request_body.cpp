#include "backends/openai/request_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/engine/trailing_space.h"
#include "core/json/json.h"
#include "core/random/counter_random.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr double kBytesPerToken = 4.0;  // of English text; only a budget's first guess

Json messages_of(const Prompt& prompt) {
  Json messages = Json::array();
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    messages.push_back({{"role", "user"}, {"content", *text}});
    return messages;
  }
  for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt))
    messages.push_back({{"role", message.role}, {"content", message.content}});
  return messages;
}

// Whether the prompt goes to chat completions.
Result<bool> as_chat(const Prompt& prompt, const std::string& model, const Dialect& dialect) {
  const bool text = std::holds_alternative<std::string>(prompt);
  if (text && dialect.completions) return false;
  if (dialect.chat) return true;
  return unavailable(model,
                     text ? "the endpoint takes no plain texts" : "the endpoint takes no conversations",
                     "run without a chat template: --no-chat-template");
}

// One number for a run's seed and a sample's stream, of the 31 bits that every server takes.
int64_t seed_of(const Sampling& sampling) {
  constexpr double kSeeds = 2147483648.0;
  return static_cast<int64_t>(uniform(sampling.seed, sampling.stream, 0) * kSeeds);
}

void write_sampling(const Sampling& sampling, Json& json) {
  json["temperature"] = sampling.temperature;
  if (sampling.temperature == 0.0) return;
  json["seed"] = seed_of(sampling);
  if (sampling.top_p < 1.0) json["top_p"] = sampling.top_p;
  if (sampling.top_k > 0) json["top_k"] = sampling.top_k;  // not OpenAI's: vLLM, llama-server and others
  if (sampling.min_p > 0.0) json["min_p"] = sampling.min_p;
}

void write_logprobs(const Generate& ask, bool chat, const Dialect& dialect, Json& json) {
  if (!chat) {
    // Some servers take 0 for no log-probabilities at all.
    json["logprobs"] = std::clamp(ask.top_logprobs, 1, kMostCompletionTop);
    return;
  }
  json["logprobs"] = true;
  const int top = std::min(ask.top_logprobs, dialect.chat_top_logprobs);
  if (top > 0) json["top_logprobs"] = top;
}

Result<EndpointCall> generate_call(const Generate& ask, const std::string& model, const Dialect& dialect) {
  Result<bool> chat = as_chat(ask.prompt, model, dialect);
  if (!chat) return forward_error(chat);
  Json json = {{"model", model}};
  if (*chat) {
    json["messages"] = messages_of(ask.prompt);
  } else {
    json["prompt"] = std::get<std::string>(ask.prompt);
  }
  json[*chat && dialect.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = ask.max_tokens;
  if (!ask.stop.empty()) {
    const auto end = ask.stop.begin() + static_cast<std::ptrdiff_t>(std::min(ask.stop.size(), kMostStops));
    json["stop"] = std::vector<std::string>(ask.stop.begin(), end);
  }
  if (ask.ignore_end) json["ignore_eos"] = true;  // not OpenAI's: vLLM, SGLang, llama-server and sizeup serve
  write_sampling(ask.sampling, json);
  if (dialect.logprobs) write_logprobs(ask, *chat, dialect, json);
  if (!ask.schema.empty() && dialect.response_format != ResponseFormat::none)
    json["response_format"] = response_format_of(dialect.response_format, ask.schema);
  if (dialect.stream) {
    json["stream"] = true;
    json["stream_options"] = {{"include_usage", true}};
  }
  EndpointCall call;
  call.chat = *chat;
  call.streamed = dialect.stream;
  call.path = *chat ? "/chat/completions" : "/completions";
  call.body = to_line(json);
  return call;
}

Result<EndpointCall> score_call(std::string text, size_t boundary, const std::string& model,
                                const Dialect& dialect) {
  if (!dialect.scores)
    return unavailable(model, "the endpoint gives no log-probabilities of given texts",
                       "--protocol generative asks for written answers");
  EndpointCall call;
  call.path = "/completions";
  call.scores = true;
  call.boundary = boundary;
  call.added_tokens = dialect.scores_one_token ? 1 : 0;
  call.body = to_line(Json{{"model", model},
                           {"prompt", text},
                           {"max_tokens", call.added_tokens},
                           {"temperature", 0.0},
                           {"echo", true},
                           {"logprobs", 1}});
  call.scored = std::move(text);
  return call;
}

struct CallWriter {
  const std::string& model;
  const Dialect& dialect;

  Result<EndpointCall> operator()(const ScoreContinuation& ask) const {
    const auto* context = std::get_if<std::string>(&ask.context);
    if (context == nullptr)
      return unavailable(model, "an endpoint scores plain texts only, no conversations",
                         "--no-chat-template");
    // As lm-evaluation-harness: spaces at the context's end belong to the continuation.
    const std::string_view kept(context->data(), length_without_trailing_space(*context));
    return score_call(*context + ask.continuation, count_code_points(kept), model, dialect);
  }
  Result<EndpointCall> operator()(const ScoreText& ask) const {
    return score_call(ask.text, 0, model, dialect);
  }
  Result<EndpointCall> operator()(const Generate& ask) const { return generate_call(ask, model, dialect); }
};

size_t bytes_of(const Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return text->size();
  size_t bytes = 0;
  for (const ChatMessage& message : std::get<std::vector<ChatMessage>>(prompt))
    bytes += message.content.size();
  return bytes;
}

}  // namespace

Result<EndpointCall> call_of(const Request& request, const std::string& model, const Dialect& dialect) {
  return std::visit(CallWriter{model, dialect}, request.ask);
}

Json response_format_of(ResponseFormat format, const std::string& schema) {
  if (format == ResponseFormat::json_object) return {{"type", "json_object"}};
  return {{"type", "json_schema"},
          {"json_schema",
           {{"name", "answer"},
            {"schema", Json::parse(schema)},
            {"strict", format == ResponseFormat::strict_json_schema}}}};
}

Result<std::string> sent_prompt(const Prompt& prompt, const std::string& model, const Dialect& dialect) {
  Result<bool> chat = as_chat(prompt, model, dialect);
  if (!chat) return forward_error(chat);
  return *chat ? to_line(messages_of(prompt)) : std::get<std::string>(prompt);
}

double guessed_tokens(const Request& request) {
  if (const auto* ask = std::get_if<Generate>(&request.ask))
    return static_cast<double>(bytes_of(ask->prompt)) / kBytesPerToken + ask->max_tokens;
  if (const auto* ask = std::get_if<ScoreContinuation>(&request.ask))
    return static_cast<double>(bytes_of(ask->context) + ask->continuation.size()) / kBytesPerToken;
  return static_cast<double>(std::get<ScoreText>(request.ask).text.size()) / kBytesPerToken;
}

}  // namespace sizeup
