#include "backends/openai/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

#include "backends/openai/echo_score.h"
#include "backends/openai/reply.h"
#include "backends/openai/retry.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr size_t kMaxBody = size_t{4} << 20;  // a vendor's list of models takes some hundred kilobytes
constexpr int kProbeAttempts = 3;             // a person waits
constexpr int kNotFound = 404;
constexpr size_t kShownModels = 10;
constexpr const char* kText = "Hello world, hello";
constexpr int kMostTop = 20;              // OpenAI's limit
constexpr std::array kFewerTop = {5, 0};  // what other servers give

struct Exchange {
  TransferEnd end;
  std::string content_type;
  std::string body;

  bool answered() const {
    return end.kind == TransferEnd::Kind::whole && end.status >= 200 && end.status < 300;
  }
};

// One request at a time.
class Asker : private TransferListener {
 public:
  explicit Asker(const EndpointOptions& options)
      : options_(options), transfers_(settings_of(options), *this) {}

  Exchange ask(const std::string& url, const std::string& body) {
    for (int attempt = 1;; ++attempt) {
      exchange_ = {};
      ended_ = false;
      transfers_.start(url, body);
      while (!ended_) transfers_.wait(std::chrono::steady_clock::time_point::max());
      const StatusMeaning meaning = meaning_of(exchange_.end.status);
      const bool may_pass = meaning == StatusMeaning::overload || meaning == StatusMeaning::passing;
      const auto pause = exchange_.end.retry_after.value_or(std::chrono::seconds(0));
      if (exchange_.answered() || !may_pass || attempt == kProbeAttempts || pause > kLongestRetryAfter)
        return std::move(exchange_);
      constexpr double kMiddle = 0.5;  // nobody else asks at the same time
      std::this_thread::sleep_for(pause + pause_after(attempt, options_.first_pause, kMiddle));
    }
  }

 private:
  static TransferSettings settings_of(const EndpointOptions& options) {
    TransferSettings settings = transfer_settings(options);
    settings.total_limit = std::min(settings.total_limit, options.first_token_limit);
    return settings;
  }

  bool on_bytes(int, int, std::string_view content_type, std::string_view bytes) override {
    exchange_.content_type = content_type;
    exchange_.body.append(bytes);
    return exchange_.body.size() <= kMaxBody;
  }

  void on_end(int, const TransferEnd& end) override {
    exchange_.end = end;
    ended_ = true;
  }

  const EndpointOptions& options_;
  HttpTransfers transfers_;
  Exchange exchange_;
  bool ended_ = false;
};

class Probe {
 public:
  explicit Probe(const EndpointOptions& options) : options_(options), asker_(options) {}

  Result<ProbeFindings> run() {
    if (auto reached = reach(); !reached) return forward_error(reached);
    out_.dialect.stream = options_.stream;
    if (options_.api != Api::completions) probe_chat();
    if (options_.api != Api::chat) probe_completions();
    const Dialect& found = out_.dialect;
    if (!found.chat && !found.completions) return tl::unexpected<Error>(nothing_works());
    if (options_.response_format != ResponseFormat::none) {
      if (auto taken = check_response_format(); !taken) return forward_error(taken);
    }
    const auto yes_no = [](bool yes) { return yes ? "yes" : "no"; };
    out_.notes.insert(
        out_.notes.begin(),
        fmt::format("found by asking: chat completions {}, completions {}, scores of given texts {}",
                    options_.api == Api::completions ? "not asked" : yes_no(found.chat),
                    options_.api == Api::chat ? "not asked" : yes_no(found.completions),
                    yes_no(found.scores)));
    return std::move(out_);
  }

 private:
  // The first base URL that answers at all; its list of models, where it has one.
  Result<void> reach() {
    Error last;
    for (const std::string& url : options_.base_urls) {
      const Exchange models = asker_.ask(url + "/models", "");
      if (models.end.status == 0) {
        const bool certificate = url.starts_with("https") && models.end.kind == TransferEnd::Kind::hopeless;
        last = {ErrorKind::unavailable, url, models.end.failure, "",
                certificate
                    ? "certificates are always checked; ca_file=FILE (PEM) names other authorities than the "
                      "machine's"
                    : "base_url names the server: http or https, as it speaks, with /v1 where it has that"};
        continue;
      }
      const StatusMeaning meaning = meaning_of(models.end.status);
      if (!models.answered() && (meaning == StatusMeaning::refused || meaning == StatusMeaning::redirect))
        return tl::unexpected<Error>(status_error(models.end.status, models.body, url, options_));
      url_ = url;
      if (models.answered()) read_models(models.body);
      return {};
    }
    return tl::unexpected<Error>(last);
  }

  void read_models(const std::string& body) {
    const Result<Json> parsed = parse_json(body, "models");
    if (!parsed || !parsed->is_object() || !parsed->contains("data") || !(*parsed)["data"].is_array()) return;
    for (const Json& model : (*parsed)["data"]) {
      if (!model.is_object() || !model.contains("id") || !model["id"].is_string()) continue;
      const auto id = model["id"].get<std::string>();
      if (models_.size() < kShownModels) models_.push_back(excerpt(id, options_));
      if (id == options_.model) read_context(model);
    }
  }

  // vLLM and SGLang say max_model_len, others context_length, llama-server what it was started with.
  void read_context(const Json& model) {
    constexpr int64_t kMost = 100'000'000;
    const Json meta = model.value("meta", Json::object());
    for (const auto& [object, key] : {std::pair{&model, "max_model_len"}, std::pair{&model, "context_length"},
                                      std::pair{&meta, "n_ctx"}, std::pair{&meta, "n_ctx_train"}}) {
      if (!object->is_object() || !object->contains(key) || !(*object)[key].is_number_integer()) continue;
      const auto length = (*object)[key].get<int64_t>();
      if (length > 0 && length < kMost) out_.context_length = static_cast<int>(length);
      if (out_.context_length > 0) return;
    }
  }

  // Asks; what came as an answer, or nothing, and then failure_ says why.
  std::optional<EndpointAnswer> answer_to(const char* path, const Json& json) {
    const Exchange exchange = asker_.ask(url_ + path, to_line(json));
    if (!exchange.answered()) {
      const bool whole = exchange.end.kind == TransferEnd::Kind::whole;
      fail(whole ? status_error(exchange.end.status, exchange.body, url_ + path, options_)
                 : Error{ErrorKind::unavailable, url_ + path, exchange.end.failure, "", ""},
           whole && exchange.end.status == kNotFound);
      refusal_ = error_message(exchange.body);
      return std::nullopt;
    }
    ReplyReader reader({});
    if (!reader.take(exchange.content_type, exchange.body) || !reader.finish(true)) {
      fail({ErrorKind::unavailable, url_ + path, excerpt(reader.failure().message, options_), "", ""}, false);
      refusal_.clear();
      return std::nullopt;
    }
    if (!reader.answer().system_fingerprint.empty())
      out_.system_fingerprint = excerpt(reader.answer().system_fingerprint, options_);
    return std::move(reader.answer());
  }

  // Something else than "no such thing here" says more.
  void fail(Error error, bool not_found) {
    if (!failure_.message.empty() && not_found) return;
    failure_ = std::move(error);
  }

  void probe_chat() {
    Json json = {{"model", options_.model},
                 {"messages", Json::array({{{"role", "user"}, {"content", "Hi"}}})},
                 {"max_tokens", 1}};
    Dialect& dialect = out_.dialect;
    if (options_.logprobs) {
      json["logprobs"] = true;
      json["top_logprobs"] = kMostTop;
    }
    std::optional<EndpointAnswer> answer = answer_to("/chat/completions", json);
    if (!answer && refusal_.find("max_completion_tokens") != std::string::npos) {
      dialect.max_completion_tokens = true;
      json.erase("max_tokens");
      json["max_completion_tokens"] = 16;  // such models think first, and refuse less
      answer = answer_to("/chat/completions", json);
    }
    const auto refuses_logprobs = [&] {
      return !answer && options_.logprobs && refusal_.find("logprobs") != std::string::npos;
    };
    for (const int fewer : kFewerTop) {
      if (!refuses_logprobs()) break;
      json["top_logprobs"] = fewer;
      if (fewer == 0) json.erase("top_logprobs");
      answer = answer_to("/chat/completions", json);
    }
    if (refuses_logprobs()) {
      json.erase("logprobs");
      answer = answer_to("/chat/completions", json);
    }
    dialect.chat = answer.has_value();
    if (!answer || !options_.logprobs) return;
    use_logprobs(*answer, "chat completions");
    dialect.chat_top_logprobs = json.value("top_logprobs", 0);
    if (dialect.logprobs && answer->first_top.empty())
      out_.notes.emplace_back("chat completions do not say which first tokens are the most probable ones");
  }

  void use_logprobs(const EndpointAnswer& answer, const char* api) {
    out_.dialect.logprobs = !answer.token_logprobs.empty();
    if (!out_.dialect.logprobs)
      out_.notes.push_back(fmt::format("{} give no log-probabilities although they are asked for", api));
  }

  // Of each interface that may be used, by a small record of one member.
  Result<void> check_response_format() {
    constexpr const char* kAsk = "Answer in JSON: is water wet?";
    constexpr const char* kSchema = R"({"type":"object","properties":{"wet":{"type":"boolean"}},)"
                                    R"("required":["wet"],"additionalProperties":false})";
    constexpr int kTokens = 256;  // JSON that is cut at the limit is an error for some servers
    Dialect& dialect = out_.dialect;
    dialect.response_format = options_.response_format;
    const Json common = {{"model", options_.model},
                         {"response_format", response_format_of(options_.response_format, kSchema)}};
    if (dialect.chat) {
      Json json = common;
      json["messages"] = Json::array({{{"role", "user"}, {"content", kAsk}}});
      json[dialect.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = kTokens;
      if (auto taken = takes_format("/chat/completions", json); !taken) return taken;
    }
    if (dialect.completions) {
      Json json = common;
      json["prompt"] = kAsk;
      json["max_tokens"] = kTokens;
      if (auto taken = takes_format("/completions", json); !taken) return taken;
    }
    return {};
  }

  Result<void> takes_format(const char* path, const Json& json) {
    failure_ = {};
    if (answer_to(path, json)) return {};
    Error error = failure_;
    error.message = fmt::format("response_format={}: {}", name_of(options_.response_format), error.message);
    if (error.hint.empty())
      error.hint =
          "another response_format; api=chat or api=completions where the other one refuses it; or none";
    return tl::unexpected<Error>(error);
  }

  void probe_completions() {
    Dialect& dialect = out_.dialect;
    dialect.scores = scores_with(0);
    if (!dialect.scores) dialect.scores = dialect.scores_one_token = scores_with(1);
    dialect.completions = dialect.scores;
    if (!dialect.completions) {
      const Json json = {{"model", options_.model}, {"prompt", kText}, {"max_tokens", 1}};
      dialect.completions = answer_to("/completions", json).has_value();
    }
    if (options_.logprobs && dialect.completions && !dialect.chat) probe_written_logprobs();
  }

  // Where there are chats, these have been asked.
  void probe_written_logprobs() {
    const Json json = {
        {"model", options_.model}, {"prompt", kText}, {"max_tokens", 1}, {"logprobs", kMostCompletionTop}};
    const std::optional<EndpointAnswer> answer = answer_to("/completions", json);
    if (!answer) {
      out_.notes.push_back("completions refuse log-probabilities of written answers: " + failure_.message);
      return;
    }
    use_logprobs(*answer, "completions");
    if (out_.dialect.logprobs && answer->first_top.empty())
      out_.notes.emplace_back("completions do not say which first tokens are the most probable ones");
  }

  // Whether a text comes back with its tokens' log-probabilities.
  bool scores_with(int max_tokens) {
    const Json json = {{"model", options_.model}, {"prompt", kText}, {"max_tokens", max_tokens},
                       {"temperature", 0.0},      {"echo", true},    {"logprobs", 1}};
    const std::optional<EndpointAnswer> answer = answer_to("/completions", json);
    if (!answer) return false;
    EndpointCall call;
    call.scored = kText;
    call.added_tokens = max_tokens;
    Response response;
    return fill_score(answer->echo, call, true, response).has_value() && answer->text.starts_with(kText);
  }

  Error nothing_works() const {
    Error error = failure_;
    if (!models_.empty()) {
      if (!error.hint.empty()) error.hint += "; ";
      error.hint += fmt::format("the server's models: {}{}", fmt::join(models_, ", "),
                                models_.size() == kShownModels ? ", …" : "");
    }
    return error;
  }

  const EndpointOptions& options_;
  Asker asker_;
  std::string url_;
  std::vector<std::string> models_;
  Error failure_;
  std::string refusal_;
  ProbeFindings out_;
};

}  // namespace

TransferSettings transfer_settings(const EndpointOptions& options) {
  TransferSettings settings;
  for (const auto& [prefix, value] : options.secrets) settings.headers.push_back(prefix + value);
  settings.connect_limit = options.connect_limit;
  settings.total_limit = options.total_limit;
  settings.ca_file = options.ca_file;
  return settings;
}

Error status_error(int status, const std::string& body, const std::string& url,
                   const EndpointOptions& options) {
  Error error{ErrorKind::unavailable, url, "", "", ""};
  const std::string said = excerpt(error_message(body), options);
  error.message = fmt::format("the server answers {}{}{}", status, said.empty() ? "" : ": ", said);
  switch (meaning_of(status)) {
    case StatusMeaning::refused:
      error.hint = fmt::format(
          "the key is read from the environment variable {}, which is {}; key_env=NAME names another one",
          options.key_variable, options.has_key ? "set" : "not set");
      break;
    case StatusMeaning::redirect:
      error.hint =
          "redirects are not followed, since the key must not reach another address: give the final one as "
          "base_url";
      break;
    case StatusMeaning::overload:
      error.hint = "concurrency=, requests_per_minute= and tokens_per_minute= ask for less at once";
      break;
    default:
      break;
  }
  return error;
}

Result<ProbeFindings> probe_endpoint(const EndpointOptions& options) {
  return Probe(options).run();
}

}  // namespace sizeup
