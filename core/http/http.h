// Plain HTTP(S) GET with libcurl: redirects in our own hands, so that a token never reaches another host.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace sizeup {

struct HttpRequest {
  std::string url;
  std::string token;  // as a bearer token, to the origin of `url` only; empty: none
  int64_t from = 0;   // the first byte that is asked for
};

// What is known when the first byte of a body arrives.
struct HttpHead {
  int status = 0;
  std::optional<int64_t> range_start;  // of Content-Range
  std::string revision;                // of X-Revision: the state of a repository that the answer is of
};

struct HttpOutcome {
  int status = 0;        // of the last answer; 0: there was none
  std::string failure;   // of the connection, or why the body is not whole; empty if all is well
  bool stopped = false;  // by the stop token
  std::optional<std::chrono::seconds> retry_after;
};

// Takes bytes of the body of a 2xx answer; false ends the transfer. Other bodies are read by nobody.
using HttpBody = std::function<bool(const HttpHead& head, std::string_view bytes)>;

// Connections are kept for the next request. Not for several threads at once.
class HttpClient {
 public:
  // A transfer that moves no byte for `stall` has failed.
  HttpClient(std::chrono::seconds stall, std::stop_token stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Follows a handful of redirects, from https to https only.
  HttpOutcome get(const HttpRequest& request, const HttpBody& body);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace sizeup
