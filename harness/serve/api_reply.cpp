#include "harness/serve/api_reply.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

// JSON has no infinity; this is what OpenAI's own replies say for the impossible.
constexpr double kImpossible = -9999.0;

Json number(float logprob) {
  if (std::isnan(logprob)) return nullptr;
  return std::isinf(logprob) ? kImpossible : static_cast<double>(logprob);
}

// The bytes that a token adds behind another: some tokenizers write a text's first token differently.
std::string token_bytes(const Tokenizer& tokenizer, std::optional<Token> before, Token token) {
  if (tokenizer.is_special(token)) return tokenizer.piece(token);
  if (before) {
    const std::string alone = tokenizer.decode(std::vector{*before}, false);
    const std::string both = tokenizer.decode(std::vector{*before, token}, false);
    if (both.starts_with(alone)) return both.substr(alone.size());
  }
  return tokenizer.decode(std::vector{token}, false);
}

std::optional<Token> token_before(const Response& response, size_t place) {
  return place == 0 ? std::nullopt : std::optional<Token>(response.tokens[place - 1]);
}

std::string_view finish_reason(const Response& response) {
  return response.finish == FinishReason::stop ? "stop" : "length";
}

std::string data(const Json& value) {
  return "data: " + to_line(value) + "\n\n";
}

}  // namespace

ServedModel served_model(const Backend& backend, int64_t created) {
  const ModelCard& card = backend.card();
  constexpr size_t kDigits = 12;
  const std::string identity =
      fmt::format("{}\n{}\n{}\n{}", card.fingerprint, card.device, card.tier, card.precision);
  return {.name = card.name,
          .fingerprint = "fp_" + sha256_hex(identity).substr(0, kDigits),
          .context_length = card.context_length,
          .created = created,
          .tokenizer = backend.tokenizer()};
}

ApiReply::ApiReply(const ServedModel& model, const ApiRequest& request, const std::string& id,
                   int64_t created)
    : model_(model),
      request_(request),
      id_((request.kind == ApiKind::chat ? "chatcmpl-" : "cmpl-") + id),
      created_(created) {}

Json ApiReply::frame(bool chunk) const {
  const char* object = !chat() ? "text_completion" : chunk ? "chat.completion.chunk" : "chat.completion";
  return {{"id", id_},
          {"object", object},
          {"created", created_},
          {"model", model_.name},
          {"system_fingerprint", model_.fingerprint}};
}

std::string ApiReply::whole(std::span<const Response> responses) const {
  Json reply = frame(false);
  Json& choices = reply["choices"] = Json::array();
  for (size_t i = 0; i < responses.size(); ++i) choices.push_back(choice(i, responses[i]));
  reply["usage"] = usage_of(responses);
  return to_line(reply);
}

Json ApiReply::choice(size_t index, const Response& response) const {
  Json made{{"index", index}};
  if (chat()) {
    made["message"] = {{"role", "assistant"}, {"content", response.text}, {"refusal", nullptr}};
  } else {
    made["text"] = request_.echo ? prompt_text(index) + response.text : response.text;
  }
  made["logprobs"] = logprobs(response);
  made["finish_reason"] = finish_reason(response);
  return made;
}

std::string ApiReply::prompt_text(size_t index) const {
  const Prompt& prompt = request_.prompts[index / static_cast<size_t>(request_.choices)];
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  return replace_invalid_utf8(model_.tokenizer->decode(std::get<TokenIds>(prompt), true));
}

Json ApiReply::logprobs(const Response& response) const {
  if (!request_.logprobs) return nullptr;
  return chat() ? chat_logprobs(response) : completion_logprobs(response);
}

Json ApiReply::completion_logprobs(const Response& response) const {
  const Tokenizer& tokenizer = *model_.tokenizer;
  Json tokens = Json::array();
  Json values = Json::array();
  Json tops = Json::array();
  Json offsets = Json::array();
  size_t offset = 0;
  for (size_t i = 0; i < response.tokens.size(); ++i) {
    const Token token = response.tokens[i];
    const std::optional<Token> before = token_before(response, i);
    const std::string text = replace_invalid_utf8(token_bytes(tokenizer, before, token));
    offsets.push_back(offset);
    if (!tokenizer.is_special(token)) offset += count_code_points(text);
    tokens.push_back(text);
    values.push_back(number(response.token_logprobs[i]));
    if (std::isnan(response.token_logprobs[i])) {
      tops.push_back(nullptr);
      continue;
    }
    // Texts of several tokens may be the same; the most probable one's value must not be lost.
    Json top = Json::object();
    if (!response.top.empty()) {
      for (const TokenLogprob& one : response.top[i]) {
        top.emplace(replace_invalid_utf8(token_bytes(tokenizer, before, one.token)), number(one.logprob));
      }
    }
    top.emplace(text, number(response.token_logprobs[i]));
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(values)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json ApiReply::chat_logprobs(const Response& response) const {
  const auto entry = [this](std::optional<Token> before, Token token, float logprob) {
    const std::string bytes = token_bytes(*model_.tokenizer, before, token);
    Json numbers = Json::array();
    for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
    return Json{
        {"token", replace_invalid_utf8(bytes)}, {"logprob", number(logprob)}, {"bytes", std::move(numbers)}};
  };
  Json content = Json::array();
  for (size_t i = 0; i < response.tokens.size(); ++i) {
    const std::optional<Token> before = token_before(response, i);
    Json one = entry(before, response.tokens[i], response.token_logprobs[i]);
    Json& top = one["top_logprobs"] = Json::array();
    if (!response.top.empty()) {
      for (const TokenLogprob& likely : response.top[i]) {
        top.push_back(entry(before, likely.token, likely.logprob));
      }
    }
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

// A prompt is counted once, whatever the number of its choices.
Json ApiReply::usage_of(std::span<const Response> responses) const {
  int64_t prompt = 0;
  int64_t completion = 0;
  for (size_t i = 0; i < responses.size(); ++i) {
    if (i % static_cast<size_t>(request_.choices) == 0) prompt += responses[i].prompt_tokens;
    completion += responses[i].completion_tokens;
  }
  return {
      {"prompt_tokens", prompt}, {"completion_tokens", completion}, {"total_tokens", prompt + completion}};
}

std::string ApiReply::event(size_t choice, Json what, const Response* finished) const {
  Json one{{"index", choice}};
  if (chat()) {
    one["delta"] = std::move(what);
  } else {
    one["text"] = std::move(what);
  }
  one["logprobs"] = finished == nullptr ? Json(nullptr) : logprobs(*finished);
  one["finish_reason"] = finished == nullptr ? Json(nullptr) : Json(finish_reason(*finished));
  Json reply = frame(true);
  reply["choices"] = Json::array({std::move(one)});
  if (request_.include_usage) reply["usage"] = nullptr;
  return data(reply);
}

std::string ApiReply::begin(size_t choice) const {
  return chat() ? event(choice, {{"role", "assistant"}, {"content", ""}}, nullptr) : "";
}

std::string ApiReply::text(size_t choice, const std::string& text) const {
  return event(choice, chat() ? Json{{"content", text}} : Json(text), nullptr);
}

std::string ApiReply::end(size_t choice, const Response& response) const {
  return event(choice, chat() ? Json::object() : Json(""), &response);
}

std::string ApiReply::usage(std::span<const Response> responses) const {
  if (!request_.include_usage) return "";
  Json reply = frame(true);
  reply["choices"] = Json::array();
  reply["usage"] = usage_of(responses);
  return data(reply);
}

std::string model_body(const ServedModel& model) {
  return to_line({{"id", model.name},
                  {"object", "model"},
                  {"created", model.created},
                  {"owned_by", "sizeup"},
                  {"max_model_len", model.context_length}});
}

std::string models_body(const ServedModel& model) {
  return fmt::format(R"({{"object":"list","data":[{}]}})", model_body(model));
}

}  // namespace sizeup
