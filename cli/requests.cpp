#include "cli/requests.h"

#include <fmt/format.h>

#include <limits>

#include "cli/json_lines.h"
#include "core/json/json.h"

namespace sizeup::cli {
namespace {

Result<Prompt> prompt_member(const Json& line, const char* text_key) {
  if (!line.contains("messages")) {
    auto text = string_member(line, text_key);
    if (!text) return forward_error(text);
    return Prompt(*text);
  }
  const Json& messages = line.at("messages");
  if (!messages.is_array() || messages.empty()) {
    return bad_input("", "\"messages\" is not a list", R"([{"role": "user", "content": "..."}])");
  }
  std::vector<ChatMessage> conversation;
  for (const Json& message : messages) {
    if (!message.is_object()) return bad_input("", "a message is not an object", R"({"role", "content"})");
    auto role = string_member(message, "role");
    if (!role) return forward_error(role);
    auto content = string_member(message, "content");
    if (!content) return forward_error(content);
    conversation.push_back({*role, *content});
  }
  return Prompt(std::move(conversation));
}

// Reads an optional number within [low, high] into `target`.
template <class T>
Result<void> read_number(const Json& line, const char* key, double low, double high, T& target) {
  const auto found = line.find(key);
  if (found == line.end()) return {};
  const bool whole = std::is_integral_v<T>;
  const bool typed = whole ? found->is_number_integer() : found->is_number();
  if (!typed || found->get<double>() < low || found->get<double>() > high) {
    return bad_input("", fmt::format("\"{}\" is {}", key, to_line(*found)),
                     fmt::format("{} from {} to {}", whole ? "a whole number" : "a number", low, high));
  }
  target = found->get<T>();
  return {};
}

Result<void> read_stop(const Json& line, std::vector<std::string>& stop) {
  const auto found = line.find("stop");
  if (found == line.end() || found->is_null()) return {};
  const Json list = found->is_string() ? Json::array({*found}) : *found;
  if (!list.is_array()) return bad_input("", "\"stop\" is no list", "a string or a list of strings");
  for (const Json& text : list) {
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
      return bad_input("", "\"stop\" holds something else", "strings of at least one character");
    }
    stop.push_back(text.get<std::string>());
  }
  return {};
}

}  // namespace

Result<Request> score_request(const Json& line) {
  Request request;
  if (line.contains("text")) {
    auto text = string_member(line, "text");
    if (!text) return forward_error(text);
    request.ask = ScoreText{*text};
    return request;
  }
  auto context = prompt_member(line, "context");
  if (!context) return forward_error(context);
  auto continuation = string_member(line, "continuation");
  if (!continuation) return forward_error(continuation);
  request.ask = ScoreContinuation{*context, *continuation};
  return request;
}

Result<Request> generate_request(const Json& line) {
  auto prompt = prompt_member(line, "prompt");
  if (!prompt) return forward_error(prompt);
  Generate ask;
  ask.prompt = *prompt;
  Sampling& sampling = ask.sampling;
  // 1e6 tokens or pieces is beyond any context or vocabulary here; 100 is beyond any temperature in use.
  for (auto read :
       {read_number(line, "max_tokens", 1, 1e6, ask.max_tokens),
        read_number(line, "temperature", 0, 100, sampling.temperature),
        read_number(line, "top_k", 0, 1e6, sampling.top_k), read_number(line, "top_p", 0, 1, sampling.top_p),
        read_number(line, "min_p", 0, 1, sampling.min_p), read_number(line, "seed", 0, 0x1p63, sampling.seed),
        read_stop(line, ask.stop)}) {
    if (!read) return forward_error(read);
  }
  Request request;
  request.ask = std::move(ask);
  return request;
}

}  // namespace sizeup::cli
