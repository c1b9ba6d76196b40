#include "harness/serve/api_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/json/json.h"

namespace sizeup {
namespace {

// Beyond what any client needs; below what would keep one body's answers from ever being finished.
constexpr size_t kMostPrompts = 4096;
constexpr size_t kMostMessages = 4096;
constexpr size_t kMostStops = 64;     // OpenAI takes 4; task files of evaluation harnesses have more
constexpr int kMostChoices = 128;     // OpenAI's limit
constexpr int kMostTokens = 1 << 24;  // beyond any context
constexpr int kDefaultTokens = 16;    // OpenAI's for completions; chat goes on to the context's end
constexpr int kMostLogprobs = 5;      // OpenAI's limit for completions
constexpr int kMostTopLogprobs = 20;  // and for chat

tl::unexpected<ApiError> refuse(std::string_view param, std::string message, std::string code = {}) {
  return tl::unexpected<ApiError>(
      {.status = 400, .message = std::move(message), .param = std::string(param), .code = std::move(code)});
}

tl::unexpected<ApiError> wrong(std::string_view param, const Json& value, std::string_view expected) {
  std::string shown = to_line(value);
  constexpr size_t kShown = 80;
  if (shown.size() > kShown) shown = std::string(value.type_name());
  return refuse(param, fmt::format("'{}' is {}: expected {}", param, shown, expected));
}

ApiResult<int> whole_number(std::string_view name, const Json& value, int low, int high) {
  if (!value.is_number_integer() || value.get<double>() < low || value.get<double>() > high) {
    return wrong(name, value, fmt::format("a whole number from {} to {}", low, high));
  }
  return value.get<int>();
}

ApiResult<double> number(std::string_view name, const Json& value, double low, double high) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    return wrong(name, value, fmt::format("a number from {} to {}", low, high));
  }
  return value.get<double>();
}

ApiResult<bool> truth(std::string_view name, const Json& value) {
  if (!value.is_boolean()) return wrong(name, value, "true or false");
  return value.get<bool>();
}

// Into `target`, whose type is what was read.
template <class T>
ApiResult<void> put(ApiResult<T> read, T& target) {
  if (!read) return tl::unexpected<ApiError>(std::move(read.error()));
  target = *read;
  return {};
}

constexpr std::string_view kPromptForms =
    "a text, a list of texts, a list of token ids, or a list of such lists";

bool is_token_ids(const Json& value) {
  return value.is_array() && !value.empty() && value.front().is_number();
}

ApiResult<TokenIds> token_ids(const Json& value) {
  TokenIds ids;
  ids.reserve(value.size());
  for (const Json& id : value) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() > kMostTokens) {
      return wrong("prompt", id, "token ids");
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

ApiResult<void> add_prompt(const Json& value, ApiRequest& request) {
  if (value.is_string()) {
    request.prompts.emplace_back(value.get<std::string>());
    return {};
  }
  if (!is_token_ids(value)) return wrong("prompt", value, kPromptForms);
  auto ids = token_ids(value);
  if (!ids) return tl::unexpected<ApiError>(std::move(ids.error()));
  request.prompts.emplace_back(std::move(*ids));
  return {};
}

ApiResult<void> read_prompt(std::string_view name, const Json& value, ApiRequest& request) {
  if (value.is_string() || is_token_ids(value)) return add_prompt(value, request);
  if (!value.is_array() || value.empty()) return wrong(name, value, kPromptForms);
  if (value.size() > kMostPrompts) {
    return refuse(name, fmt::format("{} prompts: expected at most {}", value.size(), kMostPrompts));
  }
  for (const Json& one : value) {
    if (auto added = add_prompt(one, request); !added) return added;
  }
  return {};
}

ApiResult<std::string> message_text(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  constexpr std::string_view kExpected = R"(a text or a list of parts {"type": "text", "text": ...})";
  if (!content.is_array()) return wrong("messages", content, kExpected);
  std::string text;
  for (const Json& part : content) {
    if (!part.is_object()) return wrong("messages", part, kExpected);
    const Json type = part.value("type", Json());
    if (type != "text") {
      return refuse("messages", fmt::format("parts of type {} are not supported, only text", to_line(type)));
    }
    const auto found = part.find("text");
    if (found == part.end() || !found->is_string()) return wrong("messages", part, kExpected);
    text += found->get_ref<const std::string&>();
  }
  return text;
}

// What a message may have beside its role and content: it says who speaks, or repeats what the content is.
constexpr std::array<std::string_view, 4> kIgnoredInMessages = {"name", "type", "refusal", "annotations"};

ApiResult<ChatMessage> message(const Json& value) {
  constexpr std::string_view kExpected = R"({"role": ..., "content": ...})";
  if (!value.is_object() || !value.contains("role") || !value.at("role").is_string()) {
    return wrong("messages", value, kExpected);
  }
  for (const auto& [key, member] : value.items()) {
    if (key == "role" || key == "content" || member.is_null()) continue;
    if (std::find(kIgnoredInMessages.begin(), kIgnoredInMessages.end(), key) == kIgnoredInMessages.end()) {
      return refuse("messages", fmt::format("'{}' of a message is not supported", key));
    }
  }
  auto text = message_text(value.value("content", Json()));
  if (!text) return tl::unexpected<ApiError>(std::move(text.error()));
  std::string role = value.at("role").get<std::string>();
  if (role == "developer") role = "system";  // what OpenAI calls it since 2024; templates know the older name
  if (role.empty()) return wrong("messages", value, kExpected);
  return ChatMessage{std::move(role), std::move(*text)};
}

ApiResult<void> read_messages(std::string_view name, const Json& value, ApiRequest& request) {
  if (!value.is_array() || value.empty()) return wrong(name, value, "a list of messages");
  if (value.size() > kMostMessages) {
    return refuse(name, fmt::format("{} messages: expected at most {}", value.size(), kMostMessages));
  }
  std::vector<ChatMessage> conversation;
  for (const Json& one : value) {
    auto read = message(one);
    if (!read) return tl::unexpected<ApiError>(std::move(read.error()));
    conversation.push_back(std::move(*read));
  }
  request.prompts.emplace_back(std::move(conversation));
  return {};
}

ApiResult<void> read_stop(std::string_view name, const Json& value, ApiRequest& request) {
  const Json list = value.is_string() ? Json::array({value}) : value;
  constexpr std::string_view kExpected = "a text or a list of up to 64 texts, none of them empty";
  if (!list.is_array() || list.size() > kMostStops) return wrong(name, value, kExpected);
  for (const Json& text : list) {
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) return wrong(name, value, kExpected);
    request.ask.stop.push_back(text.get<std::string>());
  }
  return {};
}

ApiResult<void> read_max_tokens(std::string_view name, const Json& value, ApiRequest& request) {
  request.truncate = Truncate::error;
  const int least = request.kind == ApiKind::chat ? 1 : 0;
  return put(whole_number(name, value, least, kMostTokens), request.ask.max_tokens);
}

ApiResult<void> read_seed(std::string_view name, const Json& value, ApiRequest& request) {
  if (!value.is_number_integer()) return wrong(name, value, "a whole number");
  request.ask.sampling.seed =
      value.is_number_unsigned() ? value.get<uint64_t>() : static_cast<uint64_t>(value.get<int64_t>());
  request.seeded = true;
  return {};
}

// -1 is what several servers call "all tokens".
ApiResult<void> read_top_k(std::string_view name, const Json& value, ApiRequest& request) {
  auto read = put(whole_number(name, value, -1, kMostTokens), request.ask.sampling.top_k);
  request.ask.sampling.top_k = std::max(0, request.ask.sampling.top_k);
  return read;
}

// A number for completions, for chat whether there are any.
ApiResult<void> read_logprobs(std::string_view name, const Json& value, ApiRequest& request) {
  if (request.kind == ApiKind::completions) {
    return put(whole_number(name, value, 0, kMostLogprobs), request.logprobs.emplace());
  }
  auto shown = truth(name, value);
  if (!shown) return tl::unexpected<ApiError>(std::move(shown.error()));
  if (*shown) request.logprobs = request.logprobs.value_or(0);
  return {};
}

ApiResult<void> read_stream_options(std::string_view name, const Json& value, ApiRequest& request) {
  if (!value.is_object()) return wrong(name, value, "an object");
  const auto found = value.find("include_usage");
  if (found == value.end() || found->is_null()) return {};
  return put(truth(name, *found), request.include_usage);
}

struct Field {
  std::string_view name;
  bool completions;
  bool chat;
  ApiResult<void> (*read)(std::string_view name, const Json& value, ApiRequest& request);
};

constexpr std::array kFields{
    Field{"prompt", true, false, read_prompt},
    Field{"messages", false, true, read_messages},
    Field{"max_tokens", true, true, read_max_tokens},
    Field{"max_completion_tokens", false, true, read_max_tokens},
    Field{"stop", true, true, read_stop},
    Field{"seed", true, true, read_seed},
    Field{"top_k", true, true, read_top_k},
    Field{"logprobs", true, true, read_logprobs},
    Field{"stream_options", true, true, read_stream_options},
    Field{"temperature", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            // 100 is beyond any in use.
            return put(number(name, value, 0.0, 100.0), request.ask.sampling.temperature);
          }},
    Field{"top_p", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(number(name, value, 0.0, 1.0), request.ask.sampling.top_p);
          }},
    Field{"min_p", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(number(name, value, 0.0, 1.0), request.ask.sampling.min_p);
          }},
    Field{"n", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(whole_number(name, value, 1, kMostChoices), request.choices);
          }},
    Field{"stream", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(truth(name, value), request.stream);
          }},
    Field{"ignore_eos", true, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(truth(name, value), request.ask.ignore_end);
          }},
    Field{"echo", true, false,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(truth(name, value), request.echo);
          }},
    Field{"top_logprobs", false, true,
          [](std::string_view name, const Json& value, ApiRequest& request) {
            return put(whole_number(name, value, 0, kMostTopLogprobs), request.ask.top_logprobs);
          }},
};

// Of no consequence for the answer.
constexpr std::array<std::string_view, 9> kIgnored = {
    "user",  "metadata",         "store",     "service_tier",       "safety_identifier",
    "model", "prompt_cache_key", "verbosity", "parallel_tool_calls"};

// Fields of OpenAI's that would change the answer, with what they may say because it changes nothing. (An
// empty text, list or object says nothing either.)
struct Unsupported {
  std::string_view name;
  std::string_view harmless = {};  // as JSON
  std::string_view why = {};
};
constexpr std::array kUnsupported{
    Unsupported{"tools"},
    Unsupported{"tool_choice", R"("none")"},
    Unsupported{"functions"},
    Unsupported{"function_call", R"("none")"},
    Unsupported{"response_format", R"({"type":"text"})", "the engine does not hold its answers to a form"},
    Unsupported{"logit_bias"},
    Unsupported{"best_of", "1"},
    Unsupported{"suffix"},
    Unsupported{"presence_penalty", "0"},
    Unsupported{"frequency_penalty", "0"},
    Unsupported{"repetition_penalty", "1"},
    Unsupported{"modalities", R"(["text"])"},
    Unsupported{"audio"},
    Unsupported{"prediction"},
    Unsupported{"reasoning_effort"},
    Unsupported{"web_search_options"},
};

bool says_nothing(const Json& value, std::string_view harmless) {
  if (value.is_null() || (value.is_structured() && value.empty()) || value == "") return true;
  return !harmless.empty() && value == Json::parse(harmless);
}

ApiResult<void> read_field(std::string_view name, const Json& value, ApiRequest& request) {
  const bool chat = request.kind == ApiKind::chat;
  for (const Field& field : kFields) {
    if (field.name == name && (chat ? field.chat : field.completions)) {
      return value.is_null() ? ApiResult<void>() : field.read(name, value, request);
    }
  }
  if (std::find(kIgnored.begin(), kIgnored.end(), name) != kIgnored.end()) return {};
  for (const Unsupported& known : kUnsupported) {
    if (known.name != name) continue;
    if (says_nothing(value, known.harmless)) return {};
    return refuse(name,
                  fmt::format("'{}' is not supported{}{}", name, known.why.empty() ? "" : ": ", known.why),
                  "unsupported_parameter");
  }
  if (value.is_null()) return {};
  return refuse(name, fmt::format("'{}' is not known here, and might change the answer", name),
                "unknown_parameter");
}

ApiResult<void> check_model(const Json& body, std::string_view model) {
  const auto named = body.find("model");
  if (named == body.end() || named->is_null() || *named == model) return {};
  return tl::unexpected<ApiError>(
      {.status = 404,
       .message = fmt::format("the model {} is not served here, but \"{}\" is", to_line(*named), model),
       .param = "model",
       .code = "model_not_found"});
}

// What only all fields together say.
ApiResult<void> finish(ApiRequest& request) {
  const bool chat = request.kind == ApiKind::chat;
  if (request.prompts.empty()) return refuse(chat ? "messages" : "prompt", "there is no prompt");
  if (chat) {
    if (request.ask.top_logprobs > 0 && !request.logprobs) {
      return refuse("top_logprobs", "'top_logprobs' needs 'logprobs'");
    }
    if (request.logprobs) request.logprobs = request.ask.top_logprobs;
  }
  if (request.echo && request.stream) return refuse("echo", "'echo' is not supported in a stream");
  request.ask.top_logprobs = request.logprobs.value_or(0);
  request.ask.score_prompt = request.echo && request.logprobs.has_value();
  return {};
}

}  // namespace

ApiResult<ApiRequest> parse_api_request(ApiKind kind, std::string_view body, std::string_view model) {
  auto parsed = parse_json(body, "body");
  if (!parsed) return tl::unexpected<ApiError>(api_error_of(parsed.error()));
  if (!parsed->is_object()) return wrong("", *parsed, "an object");
  if (auto checked = check_model(*parsed, model); !checked) {
    return tl::unexpected<ApiError>(std::move(checked.error()));
  }
  ApiRequest request{.kind = kind, .prompts = {}, .ask = {}, .logprobs = {}};
  request.ask.max_tokens = kind == ApiKind::chat ? kMostTokens : kDefaultTokens;
  if (kind == ApiKind::chat) request.truncate = Truncate::answer;
  request.ask.sampling.temperature = 1.0;  // as everywhere behind this interface
  for (const auto& [name, value] : parsed->items()) {
    if (auto read = read_field(name, value, request); !read) {
      return tl::unexpected<ApiError>(std::move(read.error()));
    }
  }
  if (auto finished = finish(request); !finished) {
    return tl::unexpected<ApiError>(std::move(finished.error()));
  }
  return request;
}

}  // namespace sizeup
