#include "backends/openai/endpoint_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "core/text/from_chars.h"
#include "core/text/utf8.h"

namespace sizeup {
namespace {

constexpr const char* kVendor = "https://api.openai.com/v1";
constexpr size_t kShortestSecret = 8;  // "none" and "EMPTY" stand for no key, and in ordinary texts
constexpr size_t kLongestExcerpt = 300;
constexpr int64_t kMaxPerMinute = 1'000'000'000;
constexpr int kMaxConcurrency = 4096;     // connections; more need more than one process's descriptors
constexpr double kMaxSeconds = 86'400;    // a day
constexpr int kMaxAttempts = 100;         // hours, with the longest pauses
constexpr int kMaxContext = 100'000'000;  // tokens

constexpr std::array kFormats = {ResponseFormat::none, ResponseFormat::json_object,
                                 ResponseFormat::json_schema, ResponseFormat::strict_json_schema};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

const char* environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value == nullptr || *value == '\0' ? nullptr : value;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_header_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

// "http://127.0.0.1:8000/v1" and the like: what is sent there stays on this machine.
bool is_loopback(std::string_view url) {
  constexpr std::array<std::string_view, 3> kHosts = {"127.0.0.1", "localhost", "[::1]"};
  url.remove_prefix(url.find("://") + 3);
  return std::any_of(kHosts.begin(), kHosts.end(), [&](std::string_view host) {
    return url.starts_with(host) &&
           (url.size() == host.size() || url[host.size()] == ':' || url[host.size()] == '/');
  });
}

class Reader {
 public:
  explicit Reader(const ModelReference& reference) : reference_(reference) {
    out_.name = reference.name;
    out_.model = reference.target;
    out_.base_urls = {kVendor};
  }

  Result<EndpointOptions> read() {
    for (const auto& [key, value] : reference_.options) {
      if (auto taken = take(key, value); !taken) return forward_error(taken);
    }
    const auto is_secure = [](const std::string& url) { return url.starts_with("https://"); };
    if (!out_.ca_file.empty() && std::none_of(out_.base_urls.begin(), out_.base_urls.end(), is_secure))
      return wrong("ca_file has no meaning for plain http", "base_url=https://..., or leave ca_file out");
    if (auto found = find_key(); !found) return forward_error(found);
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what, const std::string& hint) const {
    return usage_error(fmt::format("model '{}': {}", reference_.name, what), hint);
  }

  template <class Number>
  Result<void> number(const std::string& key, const std::string& value, Number low, Number high,
                      Number& out) {
    Number parsed{};
    const auto end = value.data() + value.size();
    const auto read = from_chars(value.data(), end, parsed);
    if (read.ec != std::errc() || read.ptr != end || !(parsed >= low && parsed <= high))
      return wrong(fmt::format("{}={} is no number from {} to {}", key, value, low, high), "");
    out = parsed;
    return {};
  }

  Result<void> seconds(const std::string& key, const std::string& value, std::chrono::milliseconds& out) {
    double parsed = 0;
    constexpr double kShortest = 0.001;
    if (auto read = number(key, value, kShortest, kMaxSeconds, parsed); !read) return read;
    out = std::chrono::milliseconds(static_cast<int64_t>(parsed * 1000.0));
    return {};
  }

  Result<void> yes_or_no(const std::string& key, const std::string& value, bool& out) {
    if (value != "yes" && value != "no") return wrong(fmt::format("{}={}", key, value), key + "=yes or no");
    out = value == "yes";
    return {};
  }

  Result<void> take(const std::string& key, const std::string& value) {
    if (key == "base_url") return take_urls(value);
    if (key == "api") return take_api(value);
    if (key == "stream") return yes_or_no(key, value, out_.stream);
    if (key == "logprobs") return yes_or_no(key, value, out_.logprobs);
    if (key == "response_format") return take_response_format(value);
    if (key == "concurrency" && value == "auto") return {};
    if (key == "concurrency") return number(key, value, 1, kMaxConcurrency, out_.concurrency);
    if (key == "requests_per_minute")
      return number(key, value, int64_t{1}, kMaxPerMinute, out_.requests_per_minute);
    if (key == "tokens_per_minute")
      return number(key, value, int64_t{1}, kMaxPerMinute, out_.tokens_per_minute);
    if (key == "connect_timeout") return seconds(key, value, out_.connect_limit);
    if (key == "first_token_timeout") return seconds(key, value, out_.first_token_limit);
    if (key == "timeout") return seconds(key, value, out_.total_limit);
    if (key == "attempts") return number(key, value, 1, kMaxAttempts, out_.attempts);
    if (key == "retry_pause") return seconds(key, value, out_.first_pause);
    if (key == "context_length") return number(key, value, 1, kMaxContext, out_.context_length);
    if (key == "header") return take_headers(value);
    if (key == "ca_file" || key == "key_env") {
      (key == "ca_file" ? out_.ca_file : out_.key_variable) = value;
      return {};
    }
    // The value is not shown: api_key=... is a likely mistake.
    return wrong(
        fmt::format("an endpoint has no option '{}'", key),
        "docs/endpoints.md lists them; a key stands in an environment variable, named with key_env=NAME");
  }

  Result<void> take_api(const std::string& value) {
    if (value == "auto") return {};
    if (value != "chat" && value != "completions")
      return wrong(fmt::format("api={}", value), "api=auto, chat or completions");
    out_.api = value == "chat" ? Api::chat : Api::completions;
    return {};
  }

  Result<void> take_response_format(const std::string& value) {
    const auto format = std::find_if(kFormats.begin(), kFormats.end(),
                                     [&](ResponseFormat one) { return value == name_of(one); });
    if (format == kFormats.end()) {
      return wrong(fmt::format("response_format={}", value),
                   "response_format=none, json_object, json_schema or strict_json_schema");
    }
    out_.response_format = *format;
    return {};
  }

  Result<void> take_urls(const std::string& value) {
    out_.base_urls.clear();
    for (std::string& url : split(value)) {
      while (url.ends_with('/')) url.pop_back();
      const size_t start = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
      const bool plain = url.find_first_of("?#@ ") == std::string::npos && is_header_value(url);
      if (start == 0 || url.size() == start || !plain) {
        return wrong(
            "base_url is no plain http or https address",
            "such as http://127.0.0.1:8000/v1, without user, password or query; several with commas");
      }
      if (std::find(out_.base_urls.begin(), out_.base_urls.end(), url) != out_.base_urls.end())
        return wrong(fmt::format("base_url names {} twice", url), "");
      out_.base_urls.push_back(std::move(url));
    }
    return {};
  }

  // Name:VARIABLE,Name:VARIABLE
  Result<void> take_headers(const std::string& value) {
    for (const std::string& pair : split(value)) {
      const size_t colon = pair.find(':');
      const std::string name = pair.substr(0, colon);
      const std::string variable = colon == std::string::npos ? "" : pair.substr(colon + 1);
      if (!is_header_name(name) || !is_header_name(variable))
        return wrong("header is not Name:VARIABLE", "the variable holds the value; several with commas");
      const char* secret = environment(variable);
      if (secret == nullptr)
        return unavailable(
            reference_.name,
            fmt::format("the header {} needs the environment variable {}, which is not set", name, variable));
      if (auto added = add_secret(variable, {name + ": ", secret}); !added) return added;
    }
    return {};
  }

  // Over plain http to another machine everybody on the way reads a key, so one goes there only by request.
  Result<void> find_key() {
    const std::string& variable = out_.key_variable;
    const bool by_request = reference_.options.contains("key_env");
    const char* key = environment(variable);
    if (key == nullptr) {
      if (by_request)
        return unavailable(reference_.name, fmt::format("the environment variable {} is not set", variable),
                           "key_env names the variable that holds the key");
      return {};
    }
    const auto open = std::find_if(out_.base_urls.begin(), out_.base_urls.end(), [](const std::string& url) {
      return url.starts_with("http://") && !is_loopback(url);
    });
    if (!by_request && open != out_.base_urls.end()) {
      out_.notes.push_back(
          fmt::format("the key in {} is not sent over plain http to another machine; key_env={} sends it",
                      variable, variable));
      return {};
    }
    out_.has_key = true;
    return add_secret(variable, {"Authorization: Bearer ", key});
  }

  Result<void> add_secret(const std::string& variable, SecretHeader header) {
    if (!is_header_value(header.value))
      return unavailable(reference_.name,
                         fmt::format("the environment variable {} holds what no header may hold", variable),
                         "a line break, perhaps");
    out_.secrets.push_back(std::move(header));
    return {};
  }

  const ModelReference& reference_;
  EndpointOptions out_;
};

}  // namespace

const char* name_of(ResponseFormat format) {
  switch (format) {
    case ResponseFormat::none:
      return "none";
    case ResponseFormat::json_object:
      return "json_object";
    case ResponseFormat::json_schema:
      return "json_schema";
    case ResponseFormat::strict_json_schema:
      return "strict_json_schema";
  }
  throw InternalError("unknown ResponseFormat");
}

Result<EndpointOptions> endpoint_options(const ModelReference& reference) {
  return Reader(reference).read();
}

std::string without_secrets(std::string text, const EndpointOptions& options) {
  for (const auto& [prefix, secret] : options.secrets) {
    if (secret.size() < kShortestSecret) continue;
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
      text.replace(at, secret.size(), "[secret]");
  }
  return text;
}

std::string excerpt(const std::string& text, const EndpointOptions& options) {
  std::string out = replace_invalid_utf8(without_secrets(text, options));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  if (out.size() <= kLongestExcerpt) return out;
  out.resize(kLongestExcerpt);
  out.resize(out.size() - incomplete_utf8_suffix(out));
  return out + "…";
}

}  // namespace sizeup
