#include "backends/openai/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr size_t kMaxEventBytes = 1 << 20;  // a piece of text takes some hundred
constexpr size_t kMaxName = 200;
constexpr size_t kMaxCandidates = 64;

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<int> count_member(const Json& object, const char* key) {
  const Json* found = member(object, key);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  const auto value = found->get<int64_t>();
  if (value < 0 || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

float number_or_nan(const Json& value) {
  return value.is_number() ? value.get<float>() : std::numeric_limits<float>::quiet_NaN();
}

// Completions' `top_logprobs`: the largest value of one token's object.
float best_of(const Json& candidates) {
  float best = std::numeric_limits<float>::quiet_NaN();
  if (!candidates.is_object()) return best;
  for (const auto& [token, logprob] : candidates.items()) best = std::fmax(best, number_or_nan(logprob));
  return best;
}

// What the server says of an error in a successful answer, and whether another try may help.
ReplyFailure failure_of(const Json& error) {
  ReplyFailure failure{error_message(to_line(Json{{"error", error}})), false};
  const Json* code = member(error, "code");
  const std::string kind = text_member(error, "type") + " " + text_member(error, "code");
  const auto says = [&](const char* word) { return kind.find(word) != std::string::npos; };
  failure.may_pass = says("overloaded") || says("server_error") || says("rate_limit") || says("timeout");
  if (code != nullptr && code->is_number_integer()) {
    const auto number = code->get<int64_t>();
    failure.may_pass = failure.may_pass || number == 429 || (number >= 500 && number < 600);
  }
  return failure;
}

}  // namespace

ReplyReader::ReplyReader(ReplyLimits limits) : limits_(limits), events_(kMaxEventBytes) {}

bool ReplyReader::take(std::string_view content_type, std::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > limits_.body_bytes)
    return fail(fmt::format("the answer has more than {} bytes", limits_.body_bytes), false);
  if (form_ == Form::unknown) {
    const bool json = content_type.find("json") != std::string_view::npos;
    const bool events = content_type.starts_with("text/event-stream");
    form_ = events ? Form::events : json ? Form::json : Form::other;
    answer_.streamed = events;
    if (form_ == Form::other) {
      return fail(fmt::format("answers with '{}', not JSON", content_type.substr(0, kMaxName)), false);
    }
  }
  if (form_ == Form::json) {
    body_.append(bytes);
    return true;
  }
  if (events_.take(bytes, [this](std::string_view data) { return take_event(data); })) return true;
  if (failure_.message.empty()) fail(fmt::format("an event of more than {} bytes", kMaxEventBytes), false);
  return false;
}

bool ReplyReader::finish(bool whole) {
  if (form_ == Form::json && whole) {
    if (!take_json(body_)) return false;
    done_ = true;
  }
  if (form_ == Form::unknown && whole) return fail("an empty answer", true);
  // llama-cpp-python sends [DONE] also when it gives an answer up for the next request, and then closes.
  if (!answer_.finish && !(done_ && whole)) return fail("the answer broke off", true);
  return true;
}

bool ReplyReader::take_event(std::string_view data) {
  if (data == "[DONE]") {
    done_ = true;
    return true;
  }
  return take_json(data);
}

bool ReplyReader::take_json(std::string_view text) {
  Result<Json> parsed = parse_json(text, "the answer");
  if (!parsed) return fail(describe(parsed.error()), false);
  const Json& json = *parsed;
  if (!json.is_object()) return fail("the answer is no JSON object", false);
  if (const Json* error = member(json, "error")) {
    failure_ = failure_of(*error);
    return false;
  }
  if (text_member(json, "object") == "error") return fail(error_message(std::string(text)), false);
  if (std::string print = text_member(json, "system_fingerprint"); !print.empty())
    answer_.system_fingerprint = print.substr(0, kMaxName);
  if (const Json* usage = member(json, "usage")) take_usage(*usage);
  const Json* choices = member(json, "choices");
  if (choices == nullptr || !choices->is_array()) {
    if (form_ == Form::events && choices == nullptr) return true;  // usage or a sign of life
    return fail("the answer has no choices", false);
  }
  if (form_ == Form::json && choices->empty()) return fail("the answer has no choices", false);
  return std::all_of(choices->begin(), choices->end(), [this](const Json& choice) {
    return count_member(choice, "index").value_or(0) != 0 || take_choice(choice);
  });
}

bool ReplyReader::take_choice(const Json& choice) {
  if (!take_text(choice)) return false;
  take_logprobs(choice);
  if (const std::string reason = text_member(choice, "finish_reason"); !reason.empty())
    answer_.finish = reason == "length" ? FinishReason::length : FinishReason::stop;
  return true;
}

bool ReplyReader::take_text(const Json& choice) {
  const Json* message = member(choice, form_ == Form::events ? "delta" : "message");
  if (message != nullptr) {
    answer_.thinks = answer_.thinks || !text_member(*message, "reasoning_content").empty() ||
                     !text_member(*message, "reasoning").empty();
  }
  const Json* text = message == nullptr ? member(choice, "text") : member(*message, "content");
  if (text == nullptr) return true;
  if (!text->is_string()) return fail("the answer's content is no text", false);
  const auto& piece = text->get_ref<const std::string&>();
  if (piece.empty()) return true;
  if (answer_.finish || done_) return fail("text after the answer's end", false);
  if (answer_.text.size() + piece.size() > limits_.text_bytes)
    return fail(
        fmt::format("a text of more than {} bytes, which max_tokens does not allow", limits_.text_bytes),
        false);
  answer_.text += piece;
  ++answer_.pieces;
  return true;
}

void ReplyReader::take_logprobs(const Json& choice) {
  const Json* logprobs = member(choice, "logprobs");
  if (logprobs == nullptr) return;
  if (const Json* content = member(*logprobs, "content"); content != nullptr && content->is_array()) {
    for (const Json& token : *content) {
      const Json* value = member(token, "logprob");
      const Json* candidates = member(token, "top_logprobs");
      if (answer_.token_logprobs.empty() && candidates != nullptr) take_first_top(*candidates);
      answer_.token_logprobs.push_back(number_or_nan(value == nullptr ? Json() : *value));
    }
    return;
  }
  const auto each = [&](const char* key, auto take_one) {
    const Json* list = member(*logprobs, key);
    if (list == nullptr || !list->is_array()) return;
    for (const Json& one : *list) take_one(one);
  };
  EchoedTokens& echo = answer_.echo;
  const Json* tops = member(*logprobs, "top_logprobs");
  if (answer_.token_logprobs.empty() && tops != nullptr && tops->is_array() && !tops->empty())
    take_first_top(tops->front());
  each("token_logprobs", [&](const Json& one) {
    answer_.token_logprobs.push_back(number_or_nan(one));
    echo.logprobs.push_back(number_or_nan(one));
  });
  each("tokens",
       [&](const Json& one) { echo.texts.push_back(one.is_string() ? one.get<std::string>() : ""); });
  each("text_offset", [&](const Json& one) {
    echo.offsets.push_back(one.is_number_integer() ? one.get<int64_t>() : int64_t{-1});
  });
  each("top_logprobs", [&](const Json& one) { echo.best_logprobs.push_back(best_of(one)); });
}

// Chat completions: a list of {token, logprob}; completions: an object of token -> log-probability.
void ReplyReader::take_first_top(const Json& candidates) {
  const auto add = [this](std::string token, const Json& logprob) {
    if (answer_.first_top.size() < kMaxCandidates && token.size() <= kMaxName && logprob.is_number())
      answer_.first_top.push_back({std::move(token), logprob.get<float>()});
  };
  if (candidates.is_object()) {
    for (const auto& [token, logprob] : candidates.items()) add(token, logprob);
    return;
  }
  for (const Json& candidate : candidates) {
    const Json* logprob = member(candidate, "logprob");
    if (logprob != nullptr) add(text_member(candidate, "token"), *logprob);
  }
}

// Streams may repeat it with every event, as the count so far: the last one is the answer's.
void ReplyReader::take_usage(const Json& usage) {
  const auto take_count = [](const Json& object, const char* key, std::optional<int>& out) {
    if (const std::optional<int> count = count_member(object, key)) out = count;
  };
  take_count(usage, "prompt_tokens", answer_.prompt_tokens);
  take_count(usage, "completion_tokens", answer_.completion_tokens);
  if (const Json* details = member(usage, "prompt_tokens_details"))
    take_count(*details, "cached_tokens", answer_.cached_prompt_tokens);
  if (const Json* details = member(usage, "completion_tokens_details"))
    take_count(*details, "reasoning_tokens", answer_.reasoning_tokens);
}

bool ReplyReader::fail(std::string message, bool may_pass) {
  failure_ = {std::move(message), may_pass};
  return false;
}

std::string error_message(const std::string& body) {
  const Result<Json> parsed = parse_json(body, "");
  if (!parsed) return body;
  const Json* error = member(*parsed, "error");
  if (error != nullptr && error->is_string()) return error->get<std::string>();
  for (const Json* place : {error, &*parsed}) {
    if (place == nullptr) continue;
    for (const char* key : {"message", "detail"}) {
      if (std::string text = text_member(*place, key); !text.empty()) return text;
    }
  }
  return body;
}

}  // namespace sizeup
