// What a server answers, without the transport: routes, key, admission, replies.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/serve/api_reply.h"
#include "harness/serve/metrics.h"
#include "harness/serve/request_queue.h"

namespace sizeup {

struct HttpCall {
  std::string method;
  std::string path;
  std::string authorization;  // the header
  std::string body;
  std::function<bool()> gone;  // whether the client has closed the connection
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  // Instead of a body: gives it piece by piece to `write`, which says whether the client takes more.
  std::function<void(const std::function<bool(std::string_view)>& write)> stream = nullptr;
};

class Service {
 public:
  // `key`: what clients must send as a bearer token; empty: nothing. All must outlive the service.
  Service(ServedModel model, RequestQueue& queue, std::string key);

  // Any thread; waits for the answer. A stream holds what it needs of the service.
  HttpReply answer(const HttpCall& call);

  // From now on nothing new is answered (503).
  void stop_admitting() { stopping_ = true; }
  // Bodies whose replies are not written yet.
  int unfinished() const { return unfinished_; }

 private:
  // Counts one body for as long as it lives.
  class Unfinished {
   public:
    explicit Unfinished(std::atomic<int>& count) : count_(count) { ++count_; }
    ~Unfinished() { --count_; }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;

   private:
    std::atomic<int>& count_;
  };
  struct Exchange;  // a body with its answers

  HttpReply route(const HttpCall& call);
  HttpReply complete(ApiKind kind, const HttpCall& call);
  HttpReply whole(Exchange& exchange);
  HttpReply streamed(const std::shared_ptr<Exchange>& exchange);
  HttpReply gone_reply();
  void write_stream(Exchange& exchange, const std::function<bool(std::string_view)>& write);
  void finish(const Exchange& exchange);
  bool allowed(std::string_view authorization) const;

  ServedModel model_;
  RequestQueue& queue_;
  std::array<uint8_t, 32> key_digest_{};
  bool has_key_;
  ServeMetrics metrics_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> unfinished_ = 0;
  std::atomic<uint64_t> next_reply_;
};

}  // namespace sizeup
