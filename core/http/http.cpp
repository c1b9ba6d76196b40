#include "core/http/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/errors/result.h"
#include "core/http/libcurl.h"

namespace sizeup {
namespace {

constexpr int kMaxRedirects = 8;              // the hub needs two
constexpr long kConnectSeconds = 15;          // a far server answers within one
constexpr int64_t kMaxUnreadBody = 64 << 10;  // of an error's page, before the connection is given up
constexpr auto kMaxRetryAfter = std::chrono::seconds(86400);

struct Origin {
  std::string scheme, host, port;
  bool operator==(const Origin&) const = default;
};

// Nothing if it is no http or https address.
std::optional<Origin> origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::string();
    std::string copy = text;
    curl_free(text);
    return copy;
  };
  Origin origin{part(CURLUPART_SCHEME), part(CURLUPART_HOST), part(CURLUPART_PORT)};
  if (origin.scheme != "http" && origin.scheme != "https") return {};
  return origin;
}

// "bytes 5-9/10" starts at 5.
std::optional<int64_t> range_start(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  if (!value.starts_with(kUnit)) return {};
  value.remove_prefix(kUnit.size());
  int64_t start = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), start);
  if (read.ec != std::errc() || start < 0) return {};
  return start;
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = nullptr;
  std::chrono::seconds stall;
  std::stop_token stop;

  // Of the transfer at work.
  const HttpBody* body = nullptr;
  HttpHead head;
  int64_t unread = 0;
  bool refused = false;
  std::array<char, CURL_ERROR_SIZE> detail{};

  ~Handle() { curl_easy_cleanup(curl); }

  // The last header of that name in the last answer.
  std::string header(const char* name) const {
    struct curl_header* found = nullptr;
    const bool there = curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
    return there ? found->value : std::string();
  }

  int status() const {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  static size_t take(char* bytes, size_t size, size_t count, void* self) {
    Handle& handle = *static_cast<Handle*>(self);
    const std::string_view part(bytes, size * count);
    if (handle.head.status == 0) {
      handle.head.status = handle.status();
      handle.head.range_start = range_start(handle.header("Content-Range"));
      handle.head.revision = handle.header("X-Revision");
    }
    if (handle.head.status < 200 || handle.head.status > 299) {
      handle.unread += static_cast<int64_t>(part.size());
      return handle.unread > kMaxUnreadBody ? 0 : part.size();
    }
    if ((*handle.body)(handle.head, part)) return part.size();
    handle.refused = true;
    return 0;
  }

  static int watch(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Handle*>(self)->stop.stop_requested() ? 1 : 0;
  }

  CURLcode transfer(const std::string& url, const HttpRequest& request, bool with_token);
};

CURLcode HttpClient::Handle::transfer(const std::string& url, const HttpRequest& request, bool with_token) {
  head = {};
  unread = 0;
  refused = false;
  detail.front() = '\0';
  curl_easy_reset(curl);  // keeps connections
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "sizeup");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  const std::string range = fmt::format("{}-", request.from);
  if (request.from > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  if (with_token) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request.token.c_str());
  }
  return curl_easy_perform(curl);
}

HttpClient::HttpClient(std::chrono::seconds stall, std::stop_token stop)
    : handle_(std::make_unique<Handle>()) {
  initialise_libcurl();
  handle_->curl = curl_easy_init();
  require(handle_->curl != nullptr, "libcurl gives a handle");
  handle_->stall = stall;
  handle_->stop = std::move(stop);
}

HttpClient::~HttpClient() = default;

HttpOutcome HttpClient::get(const HttpRequest& request, const HttpBody& body) {
  HttpOutcome outcome;
  handle_->body = &body;
  std::string url = request.url;
  const std::optional<Origin> home = origin_of(url);
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    const std::optional<Origin> origin = origin_of(url);
    if (!origin || (home->scheme == "https" && origin->scheme != "https")) {
      outcome.failure = redirects == 0 ? "the address is neither http nor https"
                                       : "redirects to an address that is not as safe";
      return outcome;
    }
    const CURLcode code = handle_->transfer(url, request, !request.token.empty() && origin == home);
    outcome.status = handle_->status();
    outcome.stopped = handle_->stop.stop_requested();
    const bool redirected = outcome.status >= 300 && outcome.status <= 399;
    char* next = nullptr;
    if (redirected) curl_easy_getinfo(handle_->curl, CURLINFO_REDIRECT_URL, &next);
    // An error's page that is too long, or cut, says no less than its status.
    if (code != CURLE_OK && !handle_->refused && outcome.status < 300) {
      outcome.failure = failure_in_words(code, handle_->detail.data());
    }
    if (handle_->refused) outcome.failure = "the transfer was given up";
    if (next == nullptr) {
      curl_off_t seconds = 0;
      curl_easy_getinfo(handle_->curl, CURLINFO_RETRY_AFTER, &seconds);
      if (seconds > 0) outcome.retry_after = std::min(std::chrono::seconds(seconds), kMaxRetryAfter);
      return outcome;
    }
    url = next;
  }
  outcome.failure = "redirects without end";
  return outcome;
}

}  // namespace sizeup
