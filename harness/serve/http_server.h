// The transport: HTTP/1.1 over TCP, a thread for each connection.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/errors/result.h"
#include "harness/serve/service.h"

namespace sizeup {

struct HttpSettings {
  std::string host = "127.0.0.1";
  int port = 0;         // 0: any that is free
  int connections = 0;  // served at the same time; others wait to be accepted
  size_t most_body_bytes = 0;
};

class HttpServer {
 public:
  using Answer = std::function<HttpReply(const HttpCall& call)>;

  // Bound, but not listening to anybody yet. An error where the address cannot be had.
  static Result<std::unique_ptr<HttpServer>> open(const HttpSettings& settings, Answer answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  // Serves on threads of its own.
  void start();
  // Whether it still accepts connections: not for ever where the system gives it no more.
  bool accepting() const;
  // Accepts no more connections and returns when all replies have been written; streams are cut.
  void stop();

 private:
  struct Transport;
  explicit HttpServer(std::unique_ptr<Transport> transport);
  std::unique_ptr<Transport> transport_;
};

}  // namespace sizeup
